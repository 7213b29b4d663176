import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Prediction } from '../../../src/tasks/predictions.ts';
import { answersOf, runnerOf, texts } from './kit.ts';

const models = join(process.env.SLUICE_SHARED ?? '../shared', 'models');

const sentences = [
  'The food was great and the service was friendly.',
  'Waste of money. Do not buy.',
  'It was fine, I guess.',
  `A very long one ${'that goes on and on '.repeat(120)}`,
  'Ünïcödé 😀 and emoji',
];

describe.skipIf(!existsSync(models))('what the NOTICE of each shared model says', () => {
  test.each([
    ['local/tiny-trained-sentiment-uci-m2v', sentences[0]!, 'POSITIVE', 0.998],
    ['local/tiny-trained-sentiment-uci-m2v', sentences[1]!, 'NEGATIVE', 1],
    [
      'google/magika-standard-v3_3',
      'SELECT a.id, count(*) FROM t JOIN u ON t.id = u.id GROUP BY 1',
      'sql',
      0.999,
    ],
  ])('text-classification: %s', async (model, text, label, score) => {
    const runner = await runnerOf(join(models, model), 'text-classification');
    const [predictions] = (await answersOf(runner, texts([text]))) as Prediction[][];
    expect(predictions![0]).toEqual({ label, score: expect.closeTo(score, 2) });
  });

  test('zero-shot-classification', async () => {
    const runner = await runnerOf(
      join(models, 'local/tiny-synthetic-nli-m2v-cosine'),
      'zero-shot-classification',
    );
    const question = {
      inputs: { text: 'Bake the cake for forty minutes with butter and sugar' },
      parameters: { candidate_labels: ['sports', 'politics', 'cooking'] },
    };
    const [predictions] = (await answersOf(runner, [question])) as Prediction[][];
    expect(predictions![0]).toEqual({ label: 'cooking', score: expect.closeTo(0.975, 3) });
  });

  test('token-classification', async () => {
    const runner = await runnerOf(join(models, 'local/tiny-trained-ner-per-loc-org'), 'token-classification');
    const [entities] = await answersOf(runner, texts(['Angela Merkel visited Paris and Berlin on Tuesday.']));
    expect(entities).toMatchObject([
      { entity_group: 'PER', word: 'Angela Merkel', start: 0, end: 13 },
      { entity_group: 'LOC', word: 'Paris', start: 22, end: 27 },
      { entity_group: 'LOC', word: 'Berlin', start: 32, end: 38 },
    ]);
  });

  test('question-answering', async () => {
    const runner = await runnerOf(join(models, 'local/tiny-synthetic-qa-m2v-nearest'), 'question-answering');
    const inputs = { question: 'Where does Sarah live?', context: 'My name is Sarah and I live in London.' };
    const [answer] = await answersOf(runner, [{ inputs, parameters: {} }]);
    expect(answer).toMatchObject({ answer: 'London', start: 31, end: 37 });
  });

  test('fill-mask', async () => {
    const runner = await runnerOf(join(models, 'local/tiny-synthetic-mlm-m2v-cbow'), 'fill-mask');
    const [answer] = await answersOf(runner, texts(['The chef cooked a delicious [MASK] in the kitchen.']));
    expect((answer as { token_str: string; score: number }[]).slice(0, 3)).toMatchObject([
      { token_str: 'cooking', score: expect.closeTo(0.126, 3) },
      { token_str: 'cook', score: expect.closeTo(0.086, 3) },
      { token_str: 'culinary', score: expect.closeTo(0.085, 3) },
    ]);
  });

  test('sentence-similarity', async () => {
    const runner = await runnerOf(
      join(models, 'minishlab/m2v-bge-base-en-v1.5-128-int8'),
      'sentence-similarity',
    );
    const inputs = {
      source_sentence: 'A man is playing a guitar on stage',
      sentences: ['Someone performs music with an instrument', 'The stock market fell sharply today'],
    };
    const [scores] = await answersOf(runner, [{ inputs, parameters: {} }]);
    expect(scores).toEqual([expect.closeTo(0.52, 2), expect.closeTo(0.05, 2)]);
  });
});

describe.skipIf(!existsSync(models))(
  'where transformers.js is right, the numbers are its numbers',
  async () => {
    const { env, pipeline } = await import('@huggingface/transformers');
    env.allowRemoteModels = false;
    env.localModelPath = models;

    test('text-classification: labels equal, scores within 1e-3', async () => {
      const model = 'local/tiny-trained-sentiment-uci-m2v';
      const theirs = await pipeline('text-classification', model, { dtype: 'q8' });
      const ours = (await answersOf(
        await runnerOf(join(models, model), 'text-classification'),
        texts(sentences),
      )) as Prediction[][];
      for (const [i, sentence] of sentences.entries()) {
        // It drops the closing token of a text that it cuts.
        if (sentence.length > 1000) continue;
        const [best] = (await theirs(sentence)) as { label: string; score: number }[];
        expect(ours[i]![0]).toEqual({ label: best!.label, score: expect.closeTo(best!.score, 3) });
      }
    });

    test('feature-extraction: cosine above 0.9999', async () => {
      const model = 'minishlab/m2v-bge-base-en-v1.5-128-int8';
      const theirs = await pipeline('feature-extraction', model, { dtype: 'q8' });
      const ours = (await answersOf(
        await runnerOf(join(models, model), 'feature-extraction'),
        texts(sentences, { pooling: 'mean' }),
      )) as Float32Array[];
      for (const [i, sentence] of sentences.entries()) {
        const { data } = await theirs(sentence, { pooling: 'mean' });
        const other = data as Float32Array;
        const dot = (a: Float32Array, b: Float32Array) => a.reduce((sum, x, k) => sum + x * b[k]!, 0);
        const cosine = dot(ours[i]!, other) / Math.sqrt(dot(ours[i]!, ours[i]!) * dot(other, other));
        expect(cosine).toBeGreaterThan(0.9999);
      }
    });
  },
);
