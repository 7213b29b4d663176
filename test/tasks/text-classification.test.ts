import { describe, expect, test } from 'vitest';
import { textClassification as task } from '../../src/tasks/text-classification.ts';
import { DecodeError } from '../../src/tasks/task.ts';

const positive = { label: 'POSITIVE', score: 0.9 };
const negative = { label: 'NEGATIVE', score: 0.1 };

describe('text-classification decodes', () => {
  const row = { label: 'POSITIVE', score: 0.9, predictions: [positive, negative] };
  test.each([
    ['a flat list', [positive, negative]],
    ['a nested list', [[positive, negative]]],
    ['a list that is not in order', [negative, positive]],
    ['labels and scores', { labels: ['NEGATIVE', 'POSITIVE'], scores: [0.1, 0.9] }],
    [
      'a list of one {labels, scores}',
      [{ labels: ['POSITIVE', 'NEGATIVE'], scores: [0.9, 0.1], sequence: 'x' }],
    ],
  ])('%s', (_, answer) => {
    expect(task.decode(answer, {})).toEqual(row);
  });

  test('one bare object', () => {
    expect(task.decode(positive, {})).toEqual({ ...positive, predictions: [positive] });
  });

  test('equal scores in the order of the server', () => {
    const answer = ['c', 'a', 'b'].map((label) => ({ label, score: 0.5 }));
    expect(task.decode(answer, {})).toMatchObject({ label: 'c', predictions: answer });
  });

  test('without changing the answer that it was handed', () => {
    const answer = [negative, positive];
    task.decode(answer, {});
    expect(answer).toEqual([negative, positive]);
  });
});

describe('text-classification refuses, with an excerpt,', () => {
  test.each([
    ['an empty list', []],
    ['a nested empty list', [[]]],
    ['null', null],
    ['a string', 'POSITIVE'],
    ['numbers', [0.1, 0.9]],
    ['a score that is a string', [{ label: 'POSITIVE', score: '0.9' }]],
    ['a score that is null', [{ label: 'POSITIVE', score: null }]],
    ['no score', [{ label: 'POSITIVE' }]],
    ['no label', [{ score: 0.9 }]],
    ['more scores than labels', { labels: ['a'], scores: [0.1, 0.9] }],
    ['two answers for one question', [[positive], [negative]]],
    ['an error object', { error: 'no' }],
  ])('%s', (_, answer) => {
    expect(() => task.decode(answer, {})).toThrow(DecodeError);
    expect(() => task.decode(answer, {})).toThrow(/wanted .+, got /);
  });
});

describe('text-classification emulates', () => {
  const labelOf = (text: string) => task.decode(task.emulate({ text }, {}), {}).label;

  test.each([
    ['I love this, it is wonderful', 'POSITIVE'],
    ['The worst film that I ever saw', 'NEGATIVE'],
    ['not good', 'NEGATIVE'],
    ['It isn’t bad', 'POSITIVE'],
  ])('%s: %s', (text, label) => {
    expect(labelOf(text)).toBe(label);
  });

  test('scores that add up to one, also for an empty text', () => {
    const { predictions } = task.decode(task.emulate({ text: '' }, {}), {});
    const scores = (predictions as { score: number }[]).map(({ score }) => score);
    expect(scores[0]! + scores[1]!).toBeCloseTo(1);
  });

  test('as many labels as top_k asks for', () => {
    expect(task.emulate({ text: 'great' }, { top_k: 1 })).toHaveLength(1);
    expect((task.emulate({ text: 'great' }, { top_k: 1 }) as unknown[][])[0]).toHaveLength(1);
  });
});
