import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import type { Prediction } from '../../../src/tasks/predictions.ts';
import { writeModel } from '../../models/files.ts';
import { afinnModel } from '../../models/afinn.ts';
import { temporaryFolder } from '../../temporary.ts';
import { answersOf, runnerOf, texts } from './kit.ts';

const afinn = resolve(import.meta.dirname, '../../../fixtures/models/sluice/afinn-sentiment');

test('all labels are answered, best first, and their scores are a distribution', async () => {
  const runner = await runnerOf(afinn, 'text-classification');
  const answers = (await answersOf(
    runner,
    texts([
      'A wonderful, happy day!',
      'It was a terrible disaster.',
      'The door is made of wood.',
      "It isn't good.",
    ]),
  )) as Prediction[][];
  expect(answers.map(([best]) => best?.label)).toEqual(['POSITIVE', 'NEGATIVE', 'NEUTRAL', 'NEGATIVE']);
  for (const predictions of answers) {
    expect(predictions.map(({ label }) => label).sort()).toEqual(['NEGATIVE', 'NEUTRAL', 'POSITIVE']);
    expect(predictions.reduce((sum, { score }) => sum + score, 0)).toBeCloseTo(1, 9);
    expect(predictions[0]!.score).toBeGreaterThanOrEqual(predictions[1]!.score);
  }
});

test('a row has the same scores alone and in a window, whatever its place', async () => {
  const runner = await runnerOf(afinn, 'text-classification');
  const list = Array.from({ length: 300 }, (_, i) =>
    `good ${'word '.repeat(i % 37)} bad happy`.slice(0, 20 + i),
  );
  const together = await answersOf(runner, texts(list));
  for (const i of [0, 17, 150, 299])
    expect((await answersOf(runner, texts([list[i]!])))[0]).toEqual(together[i]);
});

test('an empty text is answered, and a text that is too long is cut', async () => {
  const runner = await runnerOf(afinn, 'text-classification');
  const [empty, long] = (await answersOf(
    runner,
    texts(['', `good ${'word '.repeat(600)} terrible terrible terrible`]),
  )) as Prediction[][];
  expect(empty?.[0]?.label).toBe('NEUTRAL');
  expect(long?.[0]?.label).toBe('POSITIVE');
});

test('top_k and function_to_apply are those of the row', async () => {
  const runner = await runnerOf(afinn, 'text-classification');
  const [two, raw] = (await answersOf(runner, [
    { inputs: { text: 'good' }, parameters: { top_k: 2 } },
    { inputs: { text: 'good' }, parameters: { function_to_apply: 'none' } },
  ])) as Prediction[][];
  expect(two).toHaveLength(2);
  expect(raw?.[0]?.score).toBeCloseTo(1.8, 5);
});

test('labels that do not exclude each other are sigmoids: each score stands for itself', async () => {
  const folder = temporaryFolder();
  const files = afinnModel();
  const config = { ...JSON.parse(String(files['config.json'])), problem_type: 'multi_label_classification' };
  writeModel(folder, { ...files, 'config.json': JSON.stringify(config) });
  const [scores] = (await answersOf(
    await runnerOf(folder, 'text-classification'),
    texts(['good good good']),
  )) as Prediction[][];
  const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
  expect(scores?.find(({ label }) => label === 'POSITIVE')?.score).toBeCloseTo(sigmoid(5.4), 5);
  expect(scores?.find(({ label }) => label === 'NEUTRAL')?.score).toBeCloseTo(sigmoid(0.5), 5);
});
