import { expect, test } from 'vitest';
import { answers } from '../../../src/runs/compare/answers.ts';
import { entities } from '../../../src/runs/compare/entities.ts';
import { texts, wordErrorRate } from '../../../src/runs/compare/texts.ts';

test.each([
  ['the cat sat', 'the cat sat', 0],
  ['The cat, sat.', 'the cat sat', 0],
  ['the cat sat', 'the dog sat', 1 / 3],
  ['the cat sat down', 'the cat', 1 / 2],
  ['a b c d', 'b c d e', 2 / 4],
  ['', 'two words', 1],
  ['', '', 0],
])('%j and %j: %d of the words are wrong', (one, other, rate) => {
  expect(wordErrorRate(one, other)).toBeCloseTo(rate, 12);
});

test('a script without spaces has words, too', () => {
  const rate = wordErrorRate('我喜欢北京', '我喜欢上海');
  expect(rate).toBeGreaterThan(0);
  expect(rate).toBeLessThan(1);
});

test('the text column is the one that was named, and null is no text', () => {
  expect(texts('summary_text').compare({ summary_text: 'a b' }, { summary_text: 'a c' })).toEqual([0.5]);
  expect(texts('text').compare({ text: null }, { text: 'a' })).toEqual([1]);
});

test.each([
  ['the Eiffel Tower', 'The Eiffel Tower.', 1, 1],
  ['Eiffel Tower', 'the Eiffel Tower', 4 / 5, 0],
  ['Paris', 'London', 0, 0],
  ['Tower Eiffel', 'Eiffel Tower', 1, 0],
  ['', 'Paris', 0, 0],
  ['', '', 1, 1],
  ['%', '$', 0, 0],
])('answers %j and %j share %d of their words, same: %d', (one, other, shared, same) => {
  const values = answers.compare({ answer: one }, { answer: other });
  expect(values).toEqual([expect.closeTo(shared, 12), same]);
});

test('entities: kind and place must be the same, each counted once', () => {
  const entity = (entity_group: string, word: string, start: number | null) => ({
    entity_group,
    word,
    start,
    end: start === null ? null : start + word.length,
  });
  const one = [entity('PER', 'Ann', 0), entity('LOC', 'Rome', 10), entity('LOC', 'Rome', 20)];
  const compare = (other: unknown[]) => entities.compare({ entities: one }, { entities: other });
  expect(compare([one[2], one[0], one[1]])).toEqual([1]);
  expect(compare([entity('PER', 'Ann', 0), entity('ORG', 'Rome', 10)])).toEqual([2 / 5]);
  expect(compare([])).toEqual([0]);
  // Without places the words tell: Ann and one Rome of two.
  expect(compare([entity('PER', 'ann', null), entity('LOC', 'Rome', null)])).toEqual([4 / 5]);
  expect(entities.compare({ entities: [] }, { entities: [] })).toEqual([1]);
});
