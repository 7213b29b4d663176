import { describe, expect, test } from 'vitest';
import { zeroShotClassification as task } from '../../src/tasks/zero-shot-classification.ts';

interface Legacy {
  sequence: string;
  labels: string[];
  scores: number[];
}
const classify = (text: string, parameters: Record<string, unknown>) =>
  task.emulate({ text }, parameters) as Legacy;

describe('candidate_labels', () => {
  const labels = ['refund', 'legal', 'faq'];
  test.each([
    ['a list', labels],
    ['a text with commas', 'refund, legal ,faq,'],
    ['JSON, as a template makes it', '["refund", "legal", "faq"]'],
  ])('may be %s', (_, candidate_labels) => {
    expect(task.parameters.parse({ candidate_labels })).toEqual({ candidate_labels: labels });
  });

  test.each([
    ['missing', undefined],
    ['an empty text', ''],
    ['commas alone', ' , ,'],
    ['an empty list', []],
    ['a list with an empty label', ['a', '']],
    ['numbers', [1, 2]],
    ['JSON of something else', '[1, 2]'],
    ['torn JSON', '["a", "b'],
    ['eleven', Array.from({ length: 11 }, (_, i) => `label ${i}`)],
    ['eleven in a text', Array.from({ length: 11 }, (_, i) => `label ${i}`).join()],
  ])('may not be %s', (_, candidate_labels) => {
    expect(task.parameters.safeParse({ candidate_labels }).success).toBe(false);
  });
});

test('a hypothesis needs a place for the label', () => {
  const good = { candidate_labels: 'a', hypothesis_template: 'This is about {}.' };
  expect(task.parameters.safeParse(good).success).toBe(true);
  expect(task.parameters.safeParse({ ...good, hypothesis_template: 'This is it.' }).success).toBe(false);
});

describe('zero-shot-classification emulates', () => {
  test('one distribution, best first, led by the label that the text has', () => {
    const { sequence, labels, scores } = classify('I want a refund', {
      candidate_labels: ['faq', 'refund', 'legal'],
    });
    expect(sequence).toBe('I want a refund');
    expect(labels[0]).toBe('refund');
    expect(scores.reduce((a, b) => a + b)).toBeCloseTo(1);
    expect(scores).toEqual(scores.toSorted((a, b) => b - a));
  });

  test('labels that are scored each by itself', () => {
    const { scores } = classify('refund, and the law: legal', {
      candidate_labels: 'refund, legal',
      multi_label: true,
    });
    for (const score of scores) expect(score).toBeGreaterThan(0.8);
  });
});
