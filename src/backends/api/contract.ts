import type { IncomingHttpHeaders } from 'node:http';
import type { Task } from '../../tasks/task.ts';
import type { CallFailure, Question } from '../backend.ts';

export interface EncodeOptions {
  /** Ask the server to hold the request until the model is loaded. */
  waitForModel: boolean;
  /** Let the server answer from its cache. */
  useCache: boolean;
}

export interface Encoded {
  body: string | Uint8Array;
  contentType: string;
  /** Further headers as name, value, name, value. */
  headers: readonly string[];
}

/** One answer for each question, or what makes the answer unusable. */
export type Decoded = { answers: unknown[] } | { failure: CallFailure };

/** How one kind of HTTP server is asked and how its answers are told apart. Pure: no sockets, no clock. */
export interface Contract {
  name: string;
  /** Names of the tasks that it can ask for; undefined: all. */
  tasks?: readonly string[];
  /**
   * The URL to post to.
   * @throws {SluiceError} for a base that is no URL, or a placeholder that nothing fills
   */
  urlFor(task: Task, model: string | undefined, base: string): URL;
  /** Rows that one request may carry; `encode` takes no more. */
  maxBatch(task: Task): number;
  /** The request for these questions, which have equal parameters. */
  encode(task: Task, questions: readonly Question[], options: EncodeOptions): Encoded;
  /** The answers in the body of a 2xx response to `count` questions. */
  decode(body: Buffer, count: number): Decoded;
  /** What any other response means. */
  classify(status: number, headers: IncomingHttpHeaders, body: string): CallFailure;
}
