import type { Asked, Payload } from './payload.ts';

/** How one kind of server is spoken to. What is answered, and when it fails, is the same for all. */
export interface Dialect {
  /** Status of inputs that the model cannot take. */
  refusal: 400 | 422;
  /** Status when every place is taken. */
  overload: 429 | 503;
  /** Whether it says for how long the model will still be loading. */
  estimates: boolean;
  /** @throws {BadRequest} */
  read(asked: Asked): Payload;
  /** The body around the answers, one for each item. */
  answer(payload: Payload, answers: readonly unknown[]): unknown;
  /** The body of a failure. */
  error(status: number, words: string): unknown;
}
