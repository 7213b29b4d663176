import { describe, expect, test } from 'vitest';
import { summarization as task } from '../../src/tasks/summarization.ts';

const summarize = (text: string, parameters = {}) =>
  task.decode(task.emulate({ text }, parameters), {}).summary_text;

describe('summarization emulates', () => {
  const text =
    'The ferry was late.  It had met a whale! Nobody minded, as all of them had seen it. Tea was served.';

  test('the first sentences', () => {
    expect(summarize(text)).toBe(
      'The ferry was late. It had met a whale! Nobody minded, as all of them had seen it.',
    );
  });

  test('no more words than asked for, and whole sentences where they fit', () => {
    expect(summarize(text, { max_length: 10 })).toBe('The ferry was late. It had met a whale!');
    expect(summarize(text, { max_length: 2 })).toBe('The ferry');
  });

  test.each([
    ['', ''],
    ['no end', 'no end'],
  ])('%j as %j', (short, summary) => {
    expect(summarize(short)).toBe(summary);
  });
});

test.each([
  { temperature: 100.5 },
  { temperature: -1 },
  { repetition_penalty: 101 },
  { max_time: 121 },
  { top_p: 1.1 },
  { top_k: 2.5 },
  { min_length: -1 },
  { max_length: 0 },
])('%j is out of the documented range', (parameters) => {
  expect(task.parameters.safeParse(parameters).success).toBe(false);
});

test('the documented bounds themselves are good', () => {
  const bounds = { temperature: 100, repetition_penalty: 0, max_time: 120, top_p: 1, min_length: 0 };
  expect(task.parameters.safeParse(bounds).success).toBe(true);
});
