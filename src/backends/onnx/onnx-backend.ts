import type { Backend, CallOptions, CallOutcome, LocalCalls, Question } from '../backend.ts';
import { Pool } from './pool.ts';
import type { WorkerSetup } from './protocol.ts';

export interface OnnxBackendOptions {
  script: string;
  setup: WorkerSetup;
  workers: number;
  /** Rows of a call, by the rows of the plan that are left. */
  windowAt: (rowsLeft: number) => number;
  /** Files of the model that decide its answers, relative to its folder. */
  files: readonly string[];
  onNotice: (message: string) => void;
}

/** Loading a model of some gigabytes from a slow disk takes minutes; more than this is a hang. */
const loadTimeoutMs = 300_000;
/** A window takes some seconds: a stop by Ctrl-C waits for those that are nearly done, and gives up the others. */
const graceMs = 5_000;

/** The processes of this machine behind the seam of every backend. They start when the first call or `ready` asks. */
export class OnnxBackend implements Backend {
  readonly maxBatch: number;
  readonly local: LocalCalls;
  readonly #options: OnnxBackendOptions;
  #pool: Pool | undefined;

  constructor(options: OnnxBackendOptions) {
    this.#options = options;
    this.maxBatch = options.windowAt(Number.POSITIVE_INFINITY);
    // One window in work and one that waits for each worker: none is idle while an answer is journaled.
    this.local = {
      windowAt: options.windowAt,
      inFlight: 2 * options.workers,
      graceMs,
      files: { folder: options.setup.model.folder, names: options.files },
    };
  }

  /** @throws {SluiceError} ONNX_…, MODEL_… */
  ready(): Promise<void> {
    return this.#started().ready();
  }

  async call(questions: readonly Question[], { timeoutMs, signal }: CallOptions): Promise<CallOutcome> {
    const outcome = await this.#started().run(questions, timeoutMs, signal);
    if ('failure' in outcome) return { ok: false, failure: outcome.failure };
    return { ok: true, answers: [...outcome.answers], status: 200 };
  }

  preview(questions: readonly Question[]): string {
    const { setup, workers } = this.#options;
    const { folder, files, dtype } = setup.model;
    const [question] = questions;
    return [
      `workers: ${workers}, threads of each: ${setup.threads}, ${setup.device}; up to ${this.maxBatch} rows a call`,
      `model ${folder}: ${Object.values(files).join(', ')} (${dtype})`,
      '',
      JSON.stringify(question, (_, value: unknown) =>
        value instanceof Uint8Array ? `<${value.byteLength} bytes>` : value,
      ),
    ].join('\n');
  }

  /** Calls in flight end as `aborted`. */
  async close(): Promise<void> {
    await this.#pool?.close();
  }

  #started(): Pool {
    const { script, setup, workers, onNotice } = this.#options;
    this.#pool ??= new Pool({ script, setup, workers, loadTimeoutMs, onNotice });
    return this.#pool;
  }
}
