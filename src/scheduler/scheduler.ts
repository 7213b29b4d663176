import { setMaxListeners } from 'node:events';
import PQueue from 'p-queue';
import type { CallFailure } from '../backends/backend.ts';
import type { Permit } from './governor.ts';
import { ItemFailure } from './item-failure.ts';
import { Line } from './line.ts';
import { type ItemSource, ReadAhead } from './read-ahead.ts';
import { backOffMs } from './retry.ts';
import type { AttemptOutcome, Ending, SchedulerOptions, Settled, Snapshot } from './types.ts';

/** Requests whose answers are awaited after a fatal one; they are paid for, but not worth a minute. */
const fatalGraceMs = 5_000;
/** A server that was asked to hold a request until its model is there may do so for this long. */
const loadingTimeoutMs = 300_000;
/** A batch that failed this often as a whole is halved: one of its rows may be what breaks the server. */
const wholeBatchAttempts = 2;

/** Items that go into one request, with their common history. */
interface Group<T> {
  items: readonly T[];
  /** Attempts that count against `maxAttempts`. */
  attempts: number;
  /** Requests made for these items, counted or not. */
  requests: number;
  /** Others succeeded while these failed: from then on every failure counts. */
  suspect: boolean;
}

/**
 * Brings every item to its result: bounded concurrency, retries, halving of refused batches, and one governor that
 * holds the endpoint. Pure over a clock and a random source; knows neither HTTP nor files.
 *
 * Whose fault is a failure? While others succeed, it is the row's, and its attempts count. While nobody does, it is the
 * endpoint's: after a few such failures the governor calls it down, a single probe goes out at a time, and no row's
 * attempt counts. So a row that alone keeps failing ends as a failed row, and an outage fails none.
 */
export class Scheduler<T, R> {
  readonly #options: SchedulerOptions<T, R>;
  readonly #ahead: ReadAhead<T>;
  readonly #queue: PQueue;
  /** Tasks that the queue has: as many as there are places, once there is enough to do. */
  #places = 0;
  /** Groups that wait for a place: those that were asked before go first. */
  readonly #again = new Line<Group<T>>();
  readonly #fresh = new Line<Group<T>>();
  readonly #stopped = new AbortController();
  readonly #abort = new AbortController();
  /** Aborted when the run is over: timers that were for it are let go. */
  readonly #ended = new AbortController();
  /** What `#change` handed out and nothing has woken yet. */
  #waiting: Signal | undefined;
  #ending: Ending | undefined;
  #inFlight = 0;
  #requests = 0;
  #retries = 0;
  #succeeded = 0;
  #failed = 0;
  readonly #outcomes: Record<string, number> = {};
  #lastStatus: number | string | undefined;
  #lastAnswerAt: number;
  /** Answers so far that spoke for the endpoint; tells whether others succeeded while a request was under way. */
  #goodAnswers = 0;
  #lastFailure: CallFailure | undefined;
  #error: { error: unknown } | undefined;

  constructor(options: SchedulerOptions<T, R>) {
    this.#options = options;
    // Every row in back-off listens for the end of the run; that many listeners are no leak.
    setMaxListeners(0, this.#stopped.signal);
    this.#queue = new PQueue({ concurrency: options.governor.limit });
    this.#ahead = new ReadAhead({
      ...options,
      places: () => options.governor.limit,
      take: (items) => this.#enqueue({ items, attempts: 0, requests: 0, suspect: false }, this.#fresh),
    });
    this.#lastAnswerAt = options.clock.now();
  }

  /**
   * Runs until the items are exhausted and settled, or something ends the run.
   * @throws what the items' iterator or `onSettled` threw, after what was in flight has come in
   */
  async run(items: ItemSource<T>): Promise<Ending> {
    const { clock, budget } = this.#options;
    this.#lastAnswerAt = clock.now();
    const ended = this.#ended;
    if (budget?.maxRuntimeMs !== undefined) {
      void clock.sleep(budget.maxRuntimeMs, ended.signal).then(() => {
        if (!ended.signal.aborted) this.#end({ kind: 'budget', which: 'max_runtime_s' });
      });
    }
    try {
      await this.#ahead.read(items);
      while (this.#ending === undefined && this.#ahead.outstanding > 0) await this.#change();
    } catch (error) {
      this.#fail(error);
    }
    while (this.#inFlight > 0) await this.#change();
    ended.abort();
    this.#queue.clear();
    if (this.#error !== undefined) throw this.#error.error;
    return this.#ending ?? { kind: 'done' };
  }

  /** Nothing new goes out; what is in flight is awaited and settled. */
  stop(): void {
    this.#end({ kind: 'stopped' });
  }

  /** Cancels what is in flight, too; those items stay unsettled. */
  abort(): void {
    this.stop();
    this.#abort.abort();
  }

  stats(): Snapshot {
    const { governor, clock } = this.#options;
    const now = clock.now();
    return {
      inFlight: this.#inFlight,
      limit: governor.limit,
      held: governor.held(now),
      requests: this.#requests,
      retries: this.#retries,
      succeeded: this.#succeeded,
      failed: this.#failed,
      outcomes: { ...this.#outcomes },
      lastStatus: this.#lastStatus,
      sinceAnswerMs: now - this.#lastAnswerAt,
    };
  }

  #enqueue(group: Group<T>, line: Line<Group<T>>): void {
    if (this.#ending !== undefined) return;
    line.push(group);
    this.#staff();
  }

  /**
   * Puts places to work, as far as there are free ones and groups that wait. A place is one task of the queue and serves
   * group after group: a task for each group costs as much as to read and encode a row.
   */
  #staff(): void {
    const { limit } = this.#options.governor;
    if (this.#queue.concurrency !== limit) this.#queue.concurrency = limit;
    while (this.#places < limit && this.#again.length + this.#fresh.length > 0) {
      this.#places++;
      void this.#queue.add(() => this.#serve()).catch((error: unknown) => this.#fail(error));
    }
  }

  /** One place at work, until nothing waits or there are more places than the governor allows. */
  async #serve(): Promise<void> {
    try {
      while (this.#places <= this.#options.governor.limit) {
        const group = this.#again.shift() ?? this.#fresh.shift();
        if (group === undefined) return;
        const permit = this.#admitNow() ?? (await this.#admit());
        if (permit === undefined) return;
        await this.#attempt(group, permit);
        this.#staff();
      }
    } finally {
      this.#places--;
    }
  }

  /** @param permit counted as in flight, which ends here */
  async #attempt(group: Group<T>, permit: Permit): Promise<void> {
    const { clock, governor, attempt, timeoutMs, waitForModel } = this.#options;
    const wait = waitForModel === true || (waitForModel === 'auto' && permit.waitForModel);
    const goodBefore = this.#goodAnswers;
    if (group.requests++ > 0) this.#retries++;
    try {
      const outcome = await attempt(group.items, {
        waitForModel: wait,
        timeoutMs: wait ? Math.max(timeoutMs, loadingTimeoutMs) : timeoutMs,
        signal: this.#abort.signal,
      });
      this.#note(outcome);
      if (outcome.ok) {
        this.#goodAnswers++;
        governor.done(clock.now(), permit, { ok: true });
        const attempts = group.attempts + 1;
        for (let i = 0; i < group.items.length; i++) {
          const item = group.items[i]!;
          const result = outcome.results[i]!;
          const written = this.#settle(
            result instanceof ItemFailure ? { item, attempts, failure: result } : { item, attempts, result },
          );
          if (written !== undefined) await written;
        }
      } else {
        group.suspect ||= this.#goodAnswers > goodBefore;
        await this.#react(group, permit, outcome.failure);
      }
    } finally {
      this.#inFlight--;
      this.#wake();
    }
  }

  /** Waits until the governor lets a request go. Undefined: the run has ended. */
  async #admit(): Promise<Permit | undefined> {
    const { clock, governor } = this.#options;
    for (;;) {
      const permit = this.#admitNow();
      if (permit !== undefined || this.#ending !== undefined) return permit;
      const wait = governor.allow(clock.now(), this.#inFlight);
      if (wait === undefined) await this.#change();
      else await this.#pause(wait);
    }
  }

  /**
   * A permit, where a request may go at once. It is counted here and not where it is sent: places that wait for the same
   * answer wake together, and each would be let go before the first is counted.
   */
  #admitNow(): Permit | undefined {
    const { clock, governor, budget } = this.#options;
    if (this.#ending !== undefined) return undefined;
    if (budget?.maxRequests !== undefined && this.#requests >= budget.maxRequests) {
      this.#end({ kind: 'budget', which: 'max_requests' });
      return undefined;
    }
    const now = clock.now();
    if (governor.allow(now, this.#inFlight) !== 0) return undefined;
    this.#inFlight++;
    this.#requests++;
    return governor.sent(now);
  }

  /** Sleeps, but not past the end of the run nor past the time at which the endpoint is given up. */
  async #pause(ms: number): Promise<void> {
    const { clock, governor, retry } = this.#options;
    const patience = Math.max(0, retry.giveUpAfterMs - governor.failingFor(clock.now()));
    await clock.sleep(Math.min(ms, patience), this.#stopped.signal);
    this.#checkPatience();
  }

  /** Hands over an item's result. A promise only where there is something to wait for: a run has millions of items. */
  #settle(settled: Settled<T, R>): Promise<void> | undefined {
    if ('failure' in settled) this.#failed++;
    else this.#succeeded++;
    const taken = this.#options.onSettled(settled);
    if (taken !== undefined) return taken.then(() => this.#ahead.settled(settled.item));
    this.#ahead.settled(settled.item);
    return undefined;
  }

  /** Decides what becomes of items whose request failed. */
  async #react(group: Group<T>, permit: Permit, failure: CallFailure): Promise<void> {
    const { clock, governor, retry, random, onEvent } = this.#options;
    if (failure.class === 'aborted') return;
    const aboutTheRows = failure.class === 'rejected';
    if (aboutTheRows) this.#goodAnswers++;
    governor.done(
      clock.now(),
      permit,
      aboutTheRows ? { ok: true } : { ok: false, failure, suspect: group.suspect },
    );
    onEvent?.({ type: 'request-failed', failure, rows: group.items.length });
    switch (failure.class) {
      case 'fatal':
        // All that was in flight comes in with the same refusal; the first one starts the time of grace.
        if (this.#ending?.kind === 'fatal') return;
        this.#end({ kind: 'fatal', failure });
        // Not past the end of the run: a timer that nobody needs would hold up the process.
        void clock.sleep(fatalGraceMs, this.#ended.signal).then(() => this.#abort.abort());
        return;
      case 'rejected':
        group.attempts++;
        if (group.items.length > 1) this.#halve(group);
        else await this.#giveUpOn(group, failure);
        return;
      case 'transient':
        if (governor.held(clock.now()) !== 'down') group.attempts++;
        if (group.attempts >= retry.maxAttempts && group.items.length === 1)
          await this.#giveUpOn(group, failure);
        else if (group.attempts >= wholeBatchAttempts && group.items.length > 1) this.#halve(group);
        else this.#enqueueLater(group, backOffMs(retry, group.attempts, random, failure.retryAfterMs));
        break;
      default:
        this.#enqueue(group, this.#again);
    }
    this.#checkPatience(failure);
  }

  async #giveUpOn(group: Group<T>, failure: CallFailure): Promise<void> {
    await this.#settle({
      item: group.items[0]!,
      attempts: group.attempts,
      failure: new ItemFailure('call', failure),
    });
  }

  #halve(group: Group<T>): void {
    const middle = Math.ceil(group.items.length / 2);
    for (const items of [group.items.slice(0, middle), group.items.slice(middle)]) {
      this.#enqueue({ ...group, items }, this.#again);
    }
  }

  /** A row in back-off holds no place; it goes before fresh rows when its time has come. */
  #enqueueLater(group: Group<T>, ms: number): void {
    void this.#options.clock.sleep(ms, this.#stopped.signal).then(() => this.#enqueue(group, this.#again));
  }

  /** Ends the run when the endpoint has answered nothing but failures for too long. */
  #checkPatience(failure?: CallFailure): void {
    const { clock, governor, retry } = this.#options;
    this.#lastFailure = failure ?? this.#lastFailure;
    const failing = governor.failingFor(clock.now());
    if (failing < retry.giveUpAfterMs || this.#lastFailure === undefined) return;
    this.#end({ kind: 'gave-up', failure: this.#lastFailure, afterMs: failing });
  }

  #note(outcome: AttemptOutcome<R>): void {
    const status = outcome.ok ? (outcome.status ?? 200) : (outcome.failure.status ?? outcome.failure.kind);
    this.#outcomes[status] = (this.#outcomes[status] ?? 0) + 1;
    this.#lastStatus = status;
    this.#lastAnswerAt = this.#options.clock.now();
  }

  #end(ending: Ending): void {
    if (this.#ending !== undefined) return;
    this.#ending = ending;
    this.#stopped.abort();
    this.#ahead.stop();
    this.#wake();
  }

  #fail(error: unknown): void {
    this.#error ??= { error };
    this.#end({ kind: 'stopped' });
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.resolve();
  }

  /** Resolves at the next answer, item's end or stop. */
  #change(): Promise<void> {
    this.#waiting ??= signalOf();
    return this.#waiting.promise;
  }
}

interface Signal {
  promise: Promise<void>;
  resolve: () => void;
}

function signalOf(): Signal {
  let resolve: () => void = () => undefined;
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
