import { expect, test } from 'vitest';
import { fillings } from '../../../src/runs/compare/fillings.ts';
import { labels } from '../../../src/runs/compare/labels.ts';
import { scores } from '../../../src/runs/compare/scores.ts';

const predictions = (values: Record<string, number>) => ({
  predictions: Object.entries(values).map(([label, score]) => ({ label, score })),
});

test('labels: the best one counts, and how far its scores are apart', () => {
  const one = predictions({ A: 0.75, B: 0.25 });
  expect(labels.compare(one, predictions({ A: 0.5, B: 0.5 }))).toEqual([1, 0.25]);
  expect(labels.compare(one, predictions({ B: 0.625, A: 0.375 }))).toEqual([0, 0.375]);
});

test('labels: one that top_k left out on a side has no difference there', () => {
  expect(labels.compare(predictions({ A: 0.75 }), predictions({ B: 1 }))).toEqual([0, undefined]);
  expect(labels.compare(predictions({ A: 0.75 }), predictions({ B: 0.75, A: 0.25 }))).toEqual([0, 0.5]);
});

test('fillings: every mask counts alike, and a space before a word does not', () => {
  const filling = (mask: number, token_str: string, score: number) => ({ mask, token_str, score });
  const one = { predictions: [filling(0, 'good', 0.5), filling(0, 'bad', 0.25), filling(1, 'day', 0.75)] };
  const other = {
    predictions: [filling(0, ' good', 0.75), filling(1, 'night', 0.5), filling(1, 'day', 0.25)],
  };
  expect(fillings.compare(one, other)).toEqual([0.5, 0.375]);
});

test('scores: the nearest sentence counts, and the mean difference of all', () => {
  expect(scores.compare({ scores: [0.5, 0.25] }, { scores: [0.75, 0.25] })).toEqual([1, 0.125]);
  expect(scores.compare({ scores: [0.5, 0.25] }, { scores: [0.5, 0.75] })).toEqual([0, 0.25]);
  expect(scores.compare({ scores: [0.5] }, { scores: [0.5, 0.25] })).toEqual([0, undefined]);
});
