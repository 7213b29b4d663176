import { describe, expect, test } from 'vitest';
import { textGeneration as task } from '../../src/tasks/text-generation.ts';

const generate = (text: string, parameters = {}) =>
  task.decode(task.emulate({ text }, parameters), parameters);

describe('text-generation emulates', () => {
  test('the prompt and what follows, the same each time', () => {
    const { generated_text } = generate('The ferry');
    expect(generated_text).toMatch(/^The ferry( \p{L}+){20}$/u);
    expect(generate('The ferry').generated_text).toBe(generated_text);
    expect(generate('The boat').generated_text).not.toBe(`The boat${String(generated_text).slice(9)}`);
  });

  test('as many words as asked for, without the prompt if so asked', () => {
    expect(generate('The ferry', { max_new_tokens: 3, return_full_text: false }).generated_text).toMatch(
      /^( \p{L}+){3}$/u,
    );
    expect(generate('The ferry', { max_new_tokens: 0 }).generated_text).toBe('The ferry');
  });

  test('several sequences that differ', () => {
    const { generated_text, generated_texts } = generate('The ferry', { num_return_sequences: 3 });
    expect(new Set(generated_texts as string[]).size).toBe(3);
    expect((generated_texts as string[])[0]).toBe(generated_text);
  });
});

test.each([
  [{}, ['generated_text']],
  [{ num_return_sequences: 1 }, ['generated_text']],
  [{ num_return_sequences: 2 }, ['generated_text', 'generated_texts']],
])('%j has the columns %j', (parameters, names) => {
  expect(task.columns(parameters).map(({ name }) => name)).toEqual(names);
  expect(Object.keys(generate('x', parameters))).toEqual(names);
});

test.each([
  { max_new_tokens: 251 },
  { max_new_tokens: -1 },
  { num_return_sequences: 0 },
  { return_full_text: 'no' },
  { temperature: 101 },
  { max_time: 200 },
  { do_sample: 1 },
])('%j is out of the documented range', (parameters) => {
  expect(task.parameters.safeParse(parameters).success).toBe(false);
});
