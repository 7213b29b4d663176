import type { Question } from '../backend.ts';
import type { LocalModel } from './model.ts';
import type { Answered } from './runner.ts';

/** What a worker is to load. */
export interface WorkerSetup {
  /** The model as the job file names it, for messages. */
  name: string;
  model: LocalModel;
  /** Canonical name of the task. */
  task: string;
  /** Threads of ONNX Runtime inside one run. */
  threads: number;
  /** Execution provider of ONNX Runtime. */
  device: string;
}

/** What the pool says to a worker. */
export type ToWorker =
  | ({ type: 'load' } & WorkerSetup)
  /** @param plan runs of rows to do; undefined: the worker plans all of them */
  | { type: 'run'; id: number; questions: readonly Question[]; plan?: number[][] };

/** What a worker says to the pool. Rows are positions in the window. */
export type FromWorker =
  | { type: 'ready' }
  /** The model cannot be used at all. */
  | { type: 'unusable'; code: string; message: string; next?: string }
  /** The runs that this window will take, and the rows that no run can take. */
  | { type: 'planned'; id: number; plan: number[][]; refused: [row: number, why: string][] }
  /** The answers of the first runs that were left. */
  | { type: 'answered'; id: number; runs: Answered[] }
  /** The model refused the first run that was left; the worker lives. */
  | { type: 'failed'; id: number; message: string };
