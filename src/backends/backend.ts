import type { Inputs, Parameters } from '../tasks/task.ts';

/** One row's question: what is sent for it. */
export interface Question {
  inputs: Inputs;
  parameters: Parameters;
}

export interface CallOptions {
  /** Ask the server to hold the request until the model is loaded, instead of answering 503. */
  waitForModel: boolean;
  /** For this attempt. */
  timeoutMs: number;
  /** Aborts the attempt; it then ends as a failure of kind `aborted`. */
  signal?: AbortSignal;
}

/**
 * What a failed call means for the run; decided once, in the contract's `classify`.
 * - `fatal`      nothing will ever succeed (401, 402, 403, 404, 410): the run stops
 * - `loading`    the model is loading: one probe waits, everything else holds
 * - `throttled`  too many requests (429): the whole endpoint holds
 * - `overloaded` the server refuses (503 that is not loading; connection refused): the endpoint holds and shrinks
 * - `transient`  500, 502, 504, 424, reset, timeout, an unusable body: the row is tried again
 * - `rejected`   400, 413, 422, or a wrong number of answers: the batch is halved, a single row fails
 * - `aborted`    our own signal
 */
export type FailureClass =
  | 'fatal'
  | 'loading'
  | 'throttled'
  | 'overloaded'
  | 'transient'
  | 'rejected'
  | 'aborted';

/** Low-cardinality name of what went wrong; `sluice retry --kind` and reports group by it. */
export type FailureKind =
  | 'auth'
  | 'payment'
  | 'not_found'
  | 'loading'
  | 'rate_limit'
  | 'overloaded'
  | 'server'
  | 'timeout'
  | 'reset'
  | 'refused'
  | 'body'
  | 'rejected'
  | 'too_large'
  | 'crashed'
  | 'aborted';

export interface CallFailure {
  class: FailureClass;
  kind: FailureKind;
  /** HTTP status, where there was an answer. */
  status?: number;
  /** The server's own words, or the transport's. */
  message: string;
  /** What to do about it, for a person; where that is known. */
  next?: string;
  /** The server asked not to be called before this many milliseconds from the answer. */
  retryAfterMs?: number;
  /** `estimated_time` of a loading model. */
  estimatedMs?: number;
  /** Beginning of the body, as text. */
  excerpt?: string;
  requestId?: string;
}

/**
 * In the place of an answer: this row has none, the others of its call have theirs. A pool on this machine can tell its
 * rows apart; an API refuses a whole request.
 */
export class RowRefused {
  readonly kind: FailureKind;
  readonly message: string;

  constructor(kind: FailureKind, message: string) {
    this.kind = kind;
    this.message = message;
  }
}

/** Files of a model, relative to its folder. */
export interface LocalFiles {
  folder: string;
  names: readonly string[];
}

/** How a pool of this machine wants to be asked; nothing of it is paid for. */
export interface LocalCalls {
  /**
   * Rows of a call: so many consecutive rows of a shard, always the same ones, also when they are asked again. An
   * answer may depend on the rows that it shares a run of the model with, so a call is cut by the plan and never by
   * timing. The parameters of its rows may differ.
   * @param rowsLeft rows of the plan from the first one of the call on
   */
  windowAt(rowsLeft: number): number;
  /** Calls that keep every worker busy. */
  inFlight: number;
  /** After a stop, a call may go on for so long, ms; then it is given up, and asked again by the next run. */
  graceMs: number;
  /** What decides the answers: another content makes them answers of another model. */
  files: LocalFiles;
}

export type CallOutcome =
  /** One answer for each question, in order, not yet decoded by the task, or why it has none. */
  { ok: true; answers: unknown[]; status: number; requestId?: string } | { ok: false; failure: CallFailure };

/** Who answers. An HTTP API behind a contract, or a local pool. */
export interface Backend {
  /** Rows that one call may carry. 1 where the task or the contract takes no lists. */
  readonly maxBatch: number;
  /** Undefined for a server. */
  readonly local?: LocalCalls;
  /**
   * Resolves when calls can be made: a pool has loaded the model; of a server that describes itself `maxBatch` is known.
   * @throws {SluiceError} why no call can ever be answered
   */
  ready(): Promise<void>;
  /**
   * Never throws for what the other side does; that is a `CallFailure`. The questions of one call have equal
   * parameters, unless the backend is local: an API takes them once a request.
   */
  call(questions: readonly Question[], options: CallOptions): Promise<CallOutcome>;
  /** What a call for these questions would look like, without credentials; for `plan`. */
  preview(questions: readonly Question[]): string;
  close(): Promise<void>;
}
