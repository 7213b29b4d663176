import type { Comparison, Measure } from './measure.ts';
import { mean } from './measure.ts';

const measures: readonly Measure[] = [
  { name: 'cosine', over: 'mean', better: 'high', wanted: 0.99 },
  { name: 'least cosine', over: 'least', better: 'high', wanted: 0.95 },
];

/** Of feature-extraction. */
export const embedding: Comparison = {
  columns: ['embedding'],
  measures,
  compare(one, other) {
    const value = cosine(one.embedding as Float32Array, other.embedding as Float32Array);
    return [value, value];
  },
};

/** Of feature-extraction that is not pooled: the vectors of the tokens, place by place. */
export const embeddings: Comparison = {
  columns: ['embeddings'],
  measures,
  compare(one, other) {
    const [mine, theirs] = [one.embeddings as Float32Array[], other.embeddings as Float32Array[]];
    const places = Array.from({ length: Math.max(mine.length, theirs.length) }, (_, i) => i);
    // A token that only one side has agrees with nothing.
    const none = new Float32Array();
    const values = places.map((i) => cosine(mine[i] ?? none, theirs[i] ?? none));
    return [mean(values), values.reduce((least, value) => Math.min(least, value), 1)];
  },
};

/** From -1 to 1. 0 for vectors of different lengths, which come from different models, and 1 for two of zeros. */
export function cosine(one: ArrayLike<number>, other: ArrayLike<number>): number {
  if (one.length !== other.length) return 0;
  let [dot, square, otherSquare] = [0, 0, 0];
  for (let i = 0; i < one.length; i++) {
    dot += one[i]! * other[i]!;
    square += one[i]! ** 2;
    otherSquare += other[i]! ** 2;
  }
  if (square === 0 && otherSquare === 0) return 1;
  // Rounding may go past 1.
  return square === 0 || otherSquare === 0
    ? 0
    : Math.max(-1, Math.min(1, dot / Math.sqrt(square) / Math.sqrt(otherSquare)));
}
