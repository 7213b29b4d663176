import { setMaxListeners } from 'node:events';
import PQueue from 'p-queue';
import type { CallFailure } from '../backends/backend.ts';
import type { Permit } from './governor.ts';
import { ItemFailure } from './item-failure.ts';
import { backOffMs } from './retry.ts';
import type { AttemptOutcome, Ending, SchedulerOptions, Settled, Snapshot } from './types.ts';

/** Requests whose answers are awaited after a fatal one; they are paid for, but not worth a minute. */
const fatalGraceMs = 5_000;
/** A server that was asked to hold a request until its model is there may do so for this long. */
const loadingTimeoutMs = 300_000;
/** Items in memory for each place: one in flight, the others read ahead or waiting for their next attempt. */
const itemsPerPlace = 4;
/** Fewer are read ahead where they hold more than this together: 32 places would have 640 MB of images of 5 MB. */
const aheadBytes = 64 * 1024 * 1024;
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
  readonly #queue: PQueue;
  readonly #stopped = new AbortController();
  readonly #abort = new AbortController();
  /** Aborted when the run is over: timers that were for it are let go. */
  readonly #ended = new AbortController();
  /** What `#change` handed out and nothing has woken yet. */
  #waiting: Signal | undefined;
  #ending: Ending | undefined;
  /** Whether the source is being waited for, how often it has answered, and whether `#watch` has its timer out. */
  #reading = false;
  #itemsRead = 0;
  #watching = false;
  /** Items read and not settled. */
  #outstanding = 0;
  /** Bytes of these. */
  #outstandingBytes = 0;
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
    this.#lastAnswerAt = options.clock.now();
  }

  /**
   * Runs until the items are exhausted and settled, or something ends the run.
   * @throws what the items' iterator or `onSettled` threw, after what was in flight has come in
   */
  async run(items: AsyncIterable<T>): Promise<Ending> {
    const { clock, budget } = this.#options;
    this.#lastAnswerAt = clock.now();
    const ended = this.#ended;
    if (budget?.maxRuntimeMs !== undefined) {
      void clock.sleep(budget.maxRuntimeMs, ended.signal).then(() => {
        if (!ended.signal.aborted) this.#end({ kind: 'budget', which: 'max_runtime_s' });
      });
    }
    const iterator = items[Symbol.asyncIterator]();
    try {
      await this.#feed(iterator);
      while (this.#ending === undefined && this.#outstanding > 0) await this.#change();
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

  async #feed(iterator: AsyncIterator<T>): Promise<void> {
    const { batchSize, batchKey, endsBatch, bytesOf } = this.#options;
    let batch: T[] = [];
    let key: string | undefined;
    const flush = () => {
      if (batch.length > 0) this.#enqueue({ items: batch, attempts: 0, requests: 0, suspect: false }, 0);
      batch = [];
    };
    try {
      while (this.#ending === undefined) {
        const mayWait = endsBatch === undefined || batch.length === 0;
        if (mayWait && this.#isFull()) {
          flush();
          await this.#change();
          continue;
        }
        const next = await this.#next(iterator, flush);
        if (next.done) break;
        const itemKey = batchKey?.(next.value);
        if (itemKey !== key) flush();
        key = itemKey;
        batch.push(next.value);
        this.#outstanding++;
        this.#outstandingBytes += bytesOf?.(next.value) ?? 0;
        if (endsBatch === undefined ? batch.length >= batchSize : endsBatch(next.value)) flush();
      }
      flush();
    } finally {
      // The source is told that nobody reads on; it may hold a file or a query open.
      if (this.#ending !== undefined) void iterator.return?.();
    }
  }

  /** Whether nothing more is read for now. However wide the items are, each place of the endpoint may have its own. */
  #isFull(): boolean {
    const { batchSize, governor } = this.#options;
    const inPlaces = governor.limit * batchSize;
    if (this.#outstanding >= inPlaces * itemsPerPlace) return true;
    return this.#outstandingBytes >= aheadBytes && this.#outstanding >= inPlaces;
  }

  /**
   * The next item. A source that pauses may be waiting for the very items that stand in a half-full batch (a bounded
   * number of open shards, say), so the batch goes out when nothing has come for a turn of the event loop.
   */
  async #next(iterator: AsyncIterator<T>, flush: () => void): Promise<IteratorResult<T>> {
    if (this.#options.batchSize === 1 || this.#options.endsBatch !== undefined) return iterator.next();
    this.#reading = true;
    this.#watch(flush);
    try {
      return await iterator.next();
    } finally {
      this.#reading = false;
      this.#itemsRead++;
    }
  }

  /** One timer for however many items: one for each would hold a batch job to the pace of timers, a row a millisecond. */
  #watch(flush: () => void): void {
    if (this.#watching) return;
    this.#watching = true;
    const before = this.#itemsRead;
    void this.#options.clock.sleep(0).then(() => {
      this.#watching = false;
      if (!this.#reading) return;
      if (this.#itemsRead === before) flush();
      else this.#watch(flush);
    });
  }

  #enqueue(group: Group<T>, priority: number): void {
    if (this.#ending !== undefined) return;
    void this.#queue
      .add(() => this.#attempt(group), { priority })
      .catch((error: unknown) => this.#fail(error));
  }

  async #attempt(group: Group<T>): Promise<void> {
    const permit = await this.#admit();
    if (permit === undefined) return;
    const { clock, governor, attempt, timeoutMs, waitForModel } = this.#options;
    const wait = waitForModel === true || (waitForModel === 'auto' && permit.waitForModel);
    const goodBefore = this.#goodAnswers;
    this.#inFlight++;
    this.#requests++;
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
        await this.#settleAll(group, outcome.results);
      } else {
        group.suspect ||= this.#goodAnswers > goodBefore;
        await this.#react(group, permit, outcome.failure);
      }
    } finally {
      this.#inFlight--;
      this.#queue.concurrency = governor.limit;
      this.#wake();
    }
  }

  /** Waits until the governor lets a request go. Undefined: the run has ended. */
  async #admit(): Promise<Permit | undefined> {
    const { clock, governor, budget } = this.#options;
    for (;;) {
      if (this.#ending !== undefined) return undefined;
      if (budget?.maxRequests !== undefined && this.#requests >= budget.maxRequests) {
        this.#end({ kind: 'budget', which: 'max_requests' });
        return undefined;
      }
      const wait = governor.allow(clock.now(), this.#inFlight);
      if (wait === 0) return governor.sent(clock.now());
      if (wait === undefined) await this.#change();
      else await this.#pause(wait);
    }
  }

  /** Sleeps, but not past the end of the run nor past the time at which the endpoint is given up. */
  async #pause(ms: number): Promise<void> {
    const { clock, governor, retry } = this.#options;
    const patience = Math.max(0, retry.giveUpAfterMs - governor.failingFor(clock.now()));
    await clock.sleep(Math.min(ms, patience), this.#stopped.signal);
    this.#checkPatience();
  }

  async #settleAll(group: Group<T>, results: readonly (R | ItemFailure)[]): Promise<void> {
    const attempts = group.attempts + 1;
    for (const [i, item] of group.items.entries()) {
      const result = results[i]!;
      await this.#settle(
        result instanceof ItemFailure ? { item, attempts, failure: result } : { item, attempts, result },
      );
    }
  }

  async #settle(settled: Settled<T, R>): Promise<void> {
    if ('failure' in settled) this.#failed++;
    else this.#succeeded++;
    const taken = this.#options.onSettled(settled);
    if (taken !== undefined) await taken;
    this.#outstanding--;
    this.#outstandingBytes -= this.#options.bytesOf?.(settled.item) ?? 0;
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
        this.#enqueue(group, 1);
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
      this.#enqueue({ ...group, items }, 1);
    }
  }

  /** A row in back-off holds no place; it goes before fresh rows when its time has come. */
  #enqueueLater(group: Group<T>, ms: number): void {
    void this.#options.clock.sleep(ms, this.#stopped.signal).then(() => this.#enqueue(group, 1));
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
