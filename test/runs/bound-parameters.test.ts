import { expect, test } from 'vitest';
import { MappingError } from '../../src/mapping/mapping.ts';
import { boundParameters } from '../../src/runs/bound-parameters.ts';
import { textGeneration } from '../../src/tasks/text-generation.ts';
import { zeroShotClassification } from '../../src/tasks/zero-shot-classification.ts';

test('texts of numbers and flags are what the parameter wants', () => {
  const check = boundParameters(textGeneration);
  expect(check({ top_k: '5', temperature: ' 0.5 ', do_sample: 'true', max_new_tokens: 7 })).toEqual({
    top_k: 5,
    temperature: 0.5,
    do_sample: true,
    max_new_tokens: 7,
  });
});

test('texts that a parameter wants stay texts, also where they look like JSON', () => {
  expect(boundParameters(zeroShotClassification)({ candidate_labels: '1, 2', multi_label: 'false' })).toEqual(
    {
      candidate_labels: ['1', '2'],
      multi_label: false,
    },
  );
});

test.each([{ top_k: '0' }, { top_k: 'many' }, { temperature: '101' }, { do_sample: 'True' }])(
  '%j fails the row, by the name of the parameter',
  (bound) => {
    const check = boundParameters(textGeneration);
    expect(() => check(bound)).toThrow(MappingError);
    expect(() => check(bound)).toThrow(Object.keys(bound)[0]);
  },
);

test('a number in a text that is out of range is told so, not that it is a text', () => {
  const check = boundParameters(textGeneration);
  expect(() => check({ top_k: '0' })).toThrow(/^top_k: Too small/);
  expect(() => check({ top_k: 'many' })).toThrow('top_k: Invalid input: expected number, received string');
});
