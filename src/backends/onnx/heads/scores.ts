import type { Prediction } from '../../../tasks/predictions.ts';

/** What turns a model's outputs into scores. */
export type Activation = 'softmax' | 'sigmoid' | 'none';

export function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x));
}

/** In double precision, and against the largest, so that nothing overflows. */
export function softmax(logits: ArrayLike<number>): Float64Array {
  let largest = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < logits.length; i++) largest = Math.max(largest, logits[i]!);
  const scores = new Float64Array(logits.length);
  let sum = 0;
  for (let i = 0; i < scores.length; i++) {
    const score = Math.exp(logits[i]! - largest);
    scores[i] = score;
    sum += score;
  }
  for (let i = 0; i < scores.length; i++) scores[i]! /= sum;
  return scores;
}

export function activated(logits: ArrayLike<number>, activation: Activation): Float64Array {
  if (activation === 'softmax') return softmax(logits);
  return Float64Array.from(logits, activation === 'sigmoid' ? sigmoid : (x) => x);
}

/** All labels with their scores, best first; ties in the model's order. */
export function predictionsOf(
  labels: readonly string[],
  scores: ArrayLike<number>,
  topK: number = labels.length,
): Prediction[] {
  const order = labels.map((_, i) => i).sort((a, b) => scores[b]! - scores[a]! || a - b);
  return order.slice(0, topK).map((i) => ({ label: labels[i]!, score: scores[i]! }));
}
