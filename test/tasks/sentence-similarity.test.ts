import { expect, test } from 'vitest';
import { sentenceSimilarity as task } from '../../src/tasks/sentence-similarity.ts';
import { Unanswerable } from '../../src/tasks/task.ts';

const compare = (source_sentence: string, sentences: string[]) =>
  task.decode(task.emulate({ source_sentence, sentences }, {}), {}).scores as number[];

test('a sentence is nearest to itself, and nearer to what shares its words', () => {
  const [same, near, far] = compare('the black cat sleeps', [
    'The black cat sleeps!',
    'a black cat sleeps',
    'stock markets fell on Monday',
  ]);
  expect(same).toBeCloseTo(1);
  expect(near).toBeGreaterThan(0.6);
  expect(far).toBeLessThan(0.3);
});

test('nothing to compare with is refused', () => {
  expect(() => task.emulate({ source_sentence: 'x', sentences: [] }, {})).toThrow(Unanswerable);
});
