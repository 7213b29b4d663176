import { type ChildProcess, fork } from 'node:child_process';
import type { FromWorker, ToWorker } from './protocol.ts';

export interface WorkerEvents {
  said: (message: FromWorker) => void;
  /** @param how in words, with the last it said on stderr */
  died: (how: string) => void;
}

/** Characters of a worker's stderr that are kept: a death of V8 ends with some thousand of addresses. */
const keptStderr = 10_000;
/** Of these, the last ones that are passed on. */
const lastWords = 2000;
/** V8's helper threads, for garbage and compilation, take turns with the models of all workers: 2 % of the CPU time. */
const singleThreaded = '--single-threaded';
/** What V8 and native code say before they abort because an allocation failed. */
const memoryGone = /heap out of memory|Fatal process out of memory|bad_alloc/;

/**
 * One worker: a process of its own, because ONNX Runtime blocks the thread that calls it, and because a thread that is
 * stopped during a run takes the whole process with it.
 */
export class WorkerProcess {
  readonly #child: ChildProcess;
  readonly #exited: Promise<void>;
  #stderr = '';
  /** Why we ended it; undefined while we have not. */
  #killedBecause: string | undefined;

  constructor(script: string, events: WorkerEvents) {
    this.#child = fork(script, [], {
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      execArgv: [singleThreaded],
      env: workerEnvironment(process.env),
    });
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-keptStderr);
    });
    this.#child.on('message', (message) => events.said(message as FromWorker));
    this.#exited = new Promise((resolve) => {
      let ended = false;
      const end = (how: string): void => {
        resolve();
        if (!ended) events.died(this.#killedBecause ?? how);
        ended = true;
      };
      // A process that could not be started has no exit; the system's refusal is all there is.
      this.#child.on('error', (error) => {
        if (this.#child.pid === undefined) end(`it could not be started: ${error.message}`);
      });
      this.#child.on('close', (code, signal) => end(this.#lastWords(code, signal)));
    });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  send(message: ToWorker): void {
    // A channel that is closed belongs to a process that died; its death is an event of its own.
    if (this.#child.connected) this.#child.send(message, () => undefined);
  }

  kill(why: string): void {
    this.#killedBecause ??= why;
    this.#child.kill('SIGKILL');
  }

  /** Ends it now and resolves when it is gone. */
  async end(): Promise<void> {
    this.kill('it was ended');
    await this.#exited;
  }

  #lastWords(code: number | null, signal: NodeJS.Signals | null): string {
    // Its report differs from death to death (addresses, times), and these words stand in the part of a failed row.
    if (memoryGone.test(this.#stderr)) return 'a worker ran out of memory';
    const how = signal === null ? `a worker exited with ${code}` : `a worker was ended by ${signal}`;
    const said = this.#stderr.slice(-lastWords).trim();
    return said === '' ? how : `${how}: ${said}`;
  }
}

/**
 * What a worker inherits: no token, no threads beside those that the job gives it, and no telemetry: ONNX Runtime writes
 * a device id into the user's cache otherwise, and may send it.
 */
export function workerEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const { HF_TOKEN: _, NODE_OPTIONS: __, ...rest } = env;
  return { ...rest, TOKENIZERS_PARALLELISM: 'false', RAYON_NUM_THREADS: '1', ORT_DISABLE_TELEMETRY: '1' };
}
