import { expect, test } from 'vitest';
import { text2textGeneration as task } from '../../src/tasks/text2text-generation.ts';
import { textGeneration } from '../../src/tasks/text-generation.ts';

const generate = (text: string, parameters = {}) =>
  task.decode(task.emulate({ text }, parameters), parameters);

test('text2text-generation emulates a short answer without the question', () => {
  expect(generate('one plus two equals').generated_text).toMatch(/^\p{L}+( \p{L}+){5}$/u);
  expect(generate('one plus two equals', { max_new_tokens: 1 }).generated_text).toMatch(/^\p{L}+$/u);
});

test('several sequences have a column of their own', () => {
  expect(generate('x', { num_return_sequences: 2 }).generated_texts).toHaveLength(2);
  expect(task.columns({ num_return_sequences: 2 })).toHaveLength(2);
});

test('it takes every parameter of text-generation, as the API documents it', () => {
  expect(Object.keys(task.parameters.shape)).toEqual(
    expect.arrayContaining(Object.keys(textGeneration.parameters.shape)),
  );
});
