import { expect, test } from 'vitest';
import { cosine, embedding, embeddings } from '../../../src/runs/compare/vectors.ts';

test.each([
  [[3, 4], [4, 3], 0.96],
  [[1, 0], [0, 5], 0],
  [[1, 2], [-2, -4], -1],
  [[1, 2], [2, 4], 1],
])('the cosine of %j and %j is %d', (one, other, value) => {
  expect(cosine(one, other)).toBeCloseTo(value, 12);
});

test('vectors of zeros agree with their like alone, vectors of other lengths with none', () => {
  expect(cosine([0, 0], [0, 0])).toBe(1);
  expect(cosine([0, 0], [1, 0])).toBe(0);
  expect(cosine([1, 0], [1, 0, 0])).toBe(0);
});

test('a pooled vector gives one value for mean and least', () => {
  const row = (...numbers: number[]) => ({ embedding: Float32Array.from(numbers) });
  const values = embedding.compare(row(3, 4), row(4, 3));
  expect(values).toEqual([expect.closeTo(0.96, 6), expect.closeTo(0.96, 6)]);
});

test('vectors of tokens are compared place by place, and a token without its like is lost', () => {
  const [x, y] = [Float32Array.of(1, 0), Float32Array.of(0, 1)];
  expect(embeddings.compare({ embeddings: [x, y] }, { embeddings: [x, x] })).toEqual([0.5, 0]);
  expect(embeddings.compare({ embeddings: [x, y, x, y] }, { embeddings: [x, y, x] })).toEqual([0.75, 0]);
});
