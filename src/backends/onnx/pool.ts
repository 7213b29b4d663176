import { SluiceError } from '../../errors.ts';
import type { CallFailure, Question } from '../backend.ts';
import type { FromWorker, WorkerSetup } from './protocol.ts';
import { Window } from './window.ts';
import { WorkerProcess } from './worker-process.ts';

export interface PoolOptions {
  /** The worker's program. */
  script: string;
  setup: WorkerSetup;
  workers: number;
  /** For loading the model, ms. */
  loadTimeoutMs: number;
  /** A worker was replaced; in words for a log. */
  onNotice: (message: string) => void;
}

export type PoolOutcome = { answers: readonly unknown[] } | { failure: CallFailure };

/** A call under way. */
interface Job {
  id: number;
  window: Window;
  timeoutMs: number;
  end: (outcome: PoolOutcome) => void;
}

/** The place of one worker; the process in it may be replaced. */
interface Slot {
  worker: WorkerProcess;
  ready: boolean;
  /** Jobs that it was given, in the order in which it does them. */
  jobs: Job[];
  watchdog: NodeJS.Timeout | undefined;
  /** Deaths in a row before it had loaded the model. */
  stillborn: number;
}

/** Starts of a worker that may fail in a row before its place is given up. */
const mostStillborn = 3;
/** A worker with so few runs left is given the next window, so that it never waits for one. */
const runsToPrefetch = 2;

/**
 * Child processes that answer windows of rows. A worker that dies or says nothing for too long is replaced and its
 * window goes on with another; `Window` tells chance from a guilty row.
 */
export class Pool {
  readonly #options: PoolOptions;
  readonly #slots: Slot[] = [];
  #queue: Job[] = [];
  #nextId = 0;
  #closed = false;
  /** Why no call can ever be answered. */
  #broken: SluiceError | undefined;
  readonly #ready: Promise<void>;
  #settleReady: { resolve: () => void; reject: (error: SluiceError) => void } | undefined;

  constructor(options: PoolOptions) {
    this.#options = options;
    this.#ready = new Promise((resolve, reject) => {
      this.#settleReady = { resolve, reject };
    });
    // Whoever calls `ready` hears of it; nobody has to.
    this.#ready.catch(() => undefined);
    for (let i = 0; i < options.workers; i++) this.#slots.push(this.#newSlot());
  }

  /**
   * Resolves when the first worker has loaded the model.
   * @throws {SluiceError} ONNX_…, MODEL_…
   */
  ready(): Promise<void> {
    return this.#ready;
  }

  /** Processes that are alive, for tests and reports. */
  get pids(): number[] {
    return this.#slots.map(({ worker }) => worker.pid).filter((pid) => pid !== undefined);
  }

  /** @param timeoutMs silence of a worker after which it counts as hung */
  run(questions: readonly Question[], timeoutMs: number, signal?: AbortSignal): Promise<PoolOutcome> {
    if (this.#broken !== undefined) return Promise.resolve({ failure: brokenFailure(this.#broken) });
    if (this.#closed || signal?.aborted) return Promise.resolve({ failure: abortedFailure() });
    return new Promise((resolve) => {
      const onAbort = () => this.#giveUp(job);
      const end = (outcome: PoolOutcome): void => {
        signal?.removeEventListener('abort', onAbort);
        resolve(outcome);
      };
      const job: Job = { id: this.#nextId++, window: new Window(questions), timeoutMs, end };
      signal?.addEventListener('abort', onAbort);
      this.#queue.push(job);
      this.#dispatch();
    });
  }

  /** Ends every worker. Calls under way end as aborted. */
  async close(): Promise<void> {
    this.#closed = true;
    const jobs = [...this.#queue, ...this.#slots.flatMap((slot) => slot.jobs)];
    this.#queue = [];
    for (const slot of this.#slots) {
      slot.jobs = [];
      clearTimeout(slot.watchdog);
    }
    for (const job of jobs) job.end({ failure: abortedFailure() });
    await Promise.all(this.#slots.map(({ worker }) => worker.end()));
  }

  #newSlot(): Slot {
    const slot: Slot = {
      worker: this.#spawn(() => slot),
      ready: false,
      jobs: [],
      watchdog: undefined,
      stillborn: 0,
    };
    this.#watch(slot);
    return slot;
  }

  #spawn(slot: () => Slot): WorkerProcess {
    const worker = new WorkerProcess(this.#options.script, {
      said: (message) => this.#heard(slot(), message),
      died: (how) => this.#lost(slot(), how),
    });
    worker.send({ type: 'load', ...this.#options.setup });
    return worker;
  }

  /** Starts the time that a worker has until it says something; none while it has nothing to do. */
  #watch(slot: Slot): void {
    clearTimeout(slot.watchdog);
    const ms = slot.ready ? slot.jobs[0]?.timeoutMs : this.#options.loadTimeoutMs;
    if (ms === undefined) return;
    slot.watchdog = setTimeout(
      () => slot.worker.kill(`a worker said nothing for ${Math.round(ms / 100) / 10} s`),
      ms,
    );
  }

  #heard(slot: Slot, message: FromWorker): void {
    if (this.#closed || this.#broken !== undefined) return;
    if (message.type === 'unusable') {
      const { code, message: what, next } = message;
      this.#break(new SluiceError(code, what, next === undefined ? {} : { next }));
      return;
    }
    if (message.type === 'ready') {
      slot.ready = true;
      slot.stillborn = 0;
      this.#settleReady?.resolve();
    } else this.#progressed(slot, message);
    this.#watch(slot);
    this.#dispatch();
  }

  #progressed(slot: Slot, message: Extract<FromWorker, { id: number }>): void {
    const job = slot.jobs.find(({ id }) => id === message.id);
    // A call that was given up meanwhile.
    if (job === undefined) return;
    const { window } = job;
    if (message.type === 'planned') window.planned(message.plan, message.refused);
    else if (message.type === 'answered') for (const run of message.runs) window.answered(run);
    else {
      window.failed(message.message);
      // The worker has dropped it and goes on with the next: it is given the changed plan after that.
      slot.jobs = slot.jobs.filter((other) => other !== job);
      if (window.runsLeft > 0) this.#give(slot, job);
    }
    if (window.runsLeft === 0) {
      slot.jobs = slot.jobs.filter((other) => other !== job);
      job.end({ answers: window.answers });
    }
  }

  #lost(slot: Slot, how: string): void {
    clearTimeout(slot.watchdog);
    if (this.#closed || this.#broken !== undefined) return;
    const [running, ...waiting] = slot.jobs;
    slot.jobs = [];
    this.#queue.unshift(...waiting);
    if (running !== undefined) {
      const failure = running.window.died(how);
      if (failure !== undefined) running.end({ failure });
      else if (running.window.runsLeft === 0) running.end({ answers: running.window.answers });
      else this.#queue.unshift(running);
    }
    if (!slot.ready && ++slot.stillborn >= mostStillborn) this.#giveUpPlace(slot, how);
    else {
      this.#options.onNotice(`${how}; another one takes its place`);
      slot.ready = false;
      slot.worker = this.#spawn(() => slot);
      this.#watch(slot);
    }
    this.#dispatch();
  }

  /** Fewer workers are better than none: there may be memory for one model and not for two. */
  #giveUpPlace(slot: Slot, how: string): void {
    this.#slots.splice(this.#slots.indexOf(slot), 1);
    if (this.#slots.length > 0) {
      this.#options.onNotice(
        `${how}; going on with ${this.#slots.length} of ${this.#options.workers} workers`,
      );
      return;
    }
    this.#break(
      new SluiceError('ONNX_WORKER', `onnx workers: none can load the model: ${how}`, {
        next: 'set backend.workers to fewer, or choose a smaller model or backend.dtype: q8',
      }),
    );
  }

  /**
   * Gives windows to workers that have none, then to those that are about to have none. A worker prepares the next window
   * while it answers one; a window that a worker died of shares no worker, or the other one would be blamed.
   */
  #dispatch(): void {
    const ready = this.#slots.filter((slot) => slot.ready);
    const idle = ready.filter(({ jobs }) => jobs.length === 0);
    const ending = ready.filter(
      ({ jobs: [job, ...more] }) =>
        job !== undefined &&
        more.length === 0 &&
        job.window.runsLeft <= runsToPrefetch &&
        !job.window.suspect,
    );
    for (const slot of [...idle, ...ending]) {
      const [job] = this.#queue;
      if (job === undefined || (job.window.suspect && slot.jobs.length > 0)) return;
      this.#queue.shift();
      this.#give(slot, job);
    }
  }

  #give(slot: Slot, job: Job): void {
    const { id, window } = job;
    const { questions, plan } = window;
    slot.jobs.push(job);
    slot.worker.send({ type: 'run', id, questions, ...(plan === undefined ? {} : { plan }) });
    if (slot.jobs.length === 1) this.#watch(slot);
  }

  /** The worker goes on with it until it notices or is ended; nobody listens any more. */
  #giveUp(job: Job): void {
    this.#queue = this.#queue.filter((other) => other !== job);
    for (const slot of this.#slots) slot.jobs = slot.jobs.filter((other) => other !== job);
    job.end({ failure: abortedFailure() });
  }

  #break(error: SluiceError): void {
    this.#broken = error;
    this.#settleReady?.reject(error);
    const jobs = [...this.#queue, ...this.#slots.flatMap((slot) => slot.jobs)];
    this.#queue = [];
    for (const slot of this.#slots) {
      slot.jobs = [];
      clearTimeout(slot.watchdog);
      slot.worker.kill('it was ended');
    }
    for (const job of jobs) job.end({ failure: brokenFailure(error) });
  }
}

function abortedFailure(): CallFailure {
  return { class: 'aborted', kind: 'aborted', message: 'the call was given up' };
}

function brokenFailure({ message, next }: SluiceError): CallFailure {
  return { class: 'fatal', kind: 'crashed', message, ...(next === undefined ? {} : { next }) };
}
