import type { IncomingHttpHeaders } from 'node:http';
import type { Task } from '../../tasks/task.ts';
import type { CallFailure, Question } from '../backend.ts';

export interface EncodeOptions {
  /** Ask the server to hold the request until the model is loaded. */
  waitForModel: boolean;
  /** Let the server answer from its cache. */
  useCache: boolean;
  /** For servers that are told in the body; undefined where the job names none. */
  model?: string;
}

export interface Encoded {
  body: string | Uint8Array;
  contentType: string;
  /** Further headers as name, value, name, value. */
  headers: readonly string[];
}

/** One answer for each question, or what makes the answer unusable. */
export type Decoded = { answers: unknown[] } | { failure: CallFailure };

/** What a server can be asked about itself before the first row. */
export interface SelfDescription {
  /** @throws {SluiceError} as `Contract.urlFor` does */
  urlFor(task: Task, model: string | undefined, base: string): URL;
  /** The contract as it is to be held with a server that says this of itself: parsed JSON of any shape. */
  informed(told: unknown): Contract;
}

/** How one kind of HTTP server is asked and how its answers are told apart. Pure: no sockets, no clock. */
export interface Contract {
  name: string;
  /** The tasks that it can ask for, each with the parameters that it has a place for; undefined: all, with all. */
  tasks?: Readonly<Record<string, readonly string[]>>;
  /** Where the server describes itself, for contracts whose servers do. */
  about?: SelfDescription;
  /**
   * The URL to post to.
   * @throws {SluiceError} for a base that is no URL, or a placeholder that nothing fills
   */
  urlFor(task: Task, model: string | undefined, base: string): URL;
  /** Rows that one request may carry; `encode` takes no more. */
  maxBatch(task: Task): number;
  /** The request for these questions, which have equal parameters. */
  encode(task: Task, questions: readonly Question[], options: EncodeOptions): Encoded;
  /** The answers in the body of a 2xx response to these questions. */
  decode(body: Buffer, questions: readonly Question[], task: Task): Decoded;
  /** What any other response means. */
  classify(status: number, headers: IncomingHttpHeaders, body: string): CallFailure;
}
