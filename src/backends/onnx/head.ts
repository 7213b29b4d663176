import type { Question } from '../backend.ts';
import type { Output } from './session.ts';
import type { Encoding, Text, Truncation } from './encoding.ts';

/** A tokenised text on its way through the model. A text that is cut into windows gives several. */
export interface Sequence {
  ids: readonly number[];
  encoding: Encoding;
  /** Which of the question's texts it is. */
  text: number;
}

/** What an output holds: numbers for each text, numbers for each token of it, or one number for each token. */
export type Shape = 'text' | 'tokens' | 'places';

/** Whether an output of these dimensions, the batch before all, can be that. */
export function isOf(shape: Shape, [, ...dims]: readonly number[]): boolean {
  if (shape === 'tokens') return dims.length === 2;
  // Some exporters keep a dimension of 1.
  const kept = shape === 'text' && dims.length === 2 && dims[0] === 1 ? dims.slice(1) : dims;
  return kept.length === 1 || (shape === 'places' && kept.length === 2 && kept[1] === 1);
}

/**
 * What one task does around an encoder: the texts that it reads, and the answer that is made of the outputs. Everything
 * else (tokens, packing, runs) is the same for all of them.
 */
export interface Head<T = unknown> {
  /** Outputs of the graph that it needs, and what they must hold. */
  readonly outputs: Readonly<Record<string, Shape>>;
  /** @throws {Unanswerable} */
  texts(question: Question): Text[];
  /** Undefined: texts that are too long are refused. */
  truncation(question: Question): Truncation | undefined;
  /** Takes what the answer needs out of a run's outputs, where the sequence lies at `position` of the batch. */
  take(
    outputs: Readonly<Record<string, Output>>,
    position: number,
    sequence: Sequence,
    question: Question,
  ): T;
  /**
   * The answer as the API gives it; a promise only where tokens become text again.
   * @param taken one for each sequence, in order
   * @throws {Unanswerable}
   */
  answer(question: Question, taken: readonly T[], sequences: readonly Sequence[]): unknown;
}

/** One row of an output of shape [batch, n]; a copy, because the runtime may use its memory again. */
export function rowOf({ data, dims }: Output, position: number): Float32Array {
  const size = dims.slice(1).reduce((product, n) => product * n, 1);
  return data.slice(position * size, (position + 1) * size);
}
