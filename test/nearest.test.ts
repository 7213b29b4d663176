import { expect, test } from 'vitest';
import { nearest } from '../src/nearest.ts';

test.each([
  ['concurency', ['concurrency', 'batch_size'], 'concurrency'],
  ['batchSize', ['batch_size'], 'batch_size'],
  ['xyz', ['concurrency'], undefined],
])('%s means one of %j: %s', (word, candidates, meant) => {
  expect(nearest(word, candidates)).toBe(meant);
});

test('of equally near names the one that is as written counts: a field of a struct, not the struct', () => {
  expect(nearest('st.b.d', ['st', 'st.b', 'st.b.c'])).toBe('st.b.c');
  expect(nearest('text_a', ['text-a', 'text_b', 'text_a1'])).toBe('text-a');
});
