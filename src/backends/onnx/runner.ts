import type { Question } from '../backend.ts';

/** The rows of a window, ready for the model. */
export interface Prepared {
  /** Runs of the model, as rows of the window that share one. */
  plan: number[][];
  /** Rows that the model cannot take, and why. */
  refused: [row: number, why: string][];
  /**
   * The answers to the rows of one run.
   * @throws what ONNX Runtime says
   */
  run(rows: readonly number[]): Promise<Answered>;
}

/** What one run came to. */
export interface Answered {
  /** In the order of the rows, as the API would give them; undefined for a row that is refused. */
  answers: unknown[];
  refused: [row: number, why: string][];
}

/** A model in memory that answers one task. It lives in a worker. */
export interface Runner {
  /**
   * @param plan what another worker has left of an earlier plan; only its rows are prepared. Undefined: plan all rows,
   * as a function of the questions alone
   */
  prepare(questions: readonly Question[], plan?: number[][]): Promise<Prepared>;
}
