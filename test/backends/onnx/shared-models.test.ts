import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import type { Prediction } from '../../../src/tasks/predictions.ts';
import { answersOf, runnerOf, texts } from './kit.ts';
import { compressed, flac, tones, wave } from './sound-kit.ts';

const models = join(process.env.SLUICE_SHARED ?? '../shared', 'models');

describe.skipIf(!existsSync(models))('what the NOTICE of each shared model says', () => {
  test.each([
    [
      'local/tiny-trained-sentiment-uci-m2v',
      'The food was great and the service was friendly.',
      'POSITIVE',
      0.998,
    ],
    ['local/tiny-trained-sentiment-uci-m2v', 'Waste of money. Do not buy.', 'NEGATIVE', 1],
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

  const graphs = ['encoder_model', 'decoder_model_merged'];
  test.each([
    ['t5-copy', 'text2text-generation', 'The house is small.', { generated_text: 'The house is small.' }],
    ['t5-en-fr-wordmap', 'translation', 'The house is small', { translation_text: 'Le maison est petit' }],
    [
      't5-first-sentence',
      'summarization',
      'The house is small and the world is big. It is a good day with my friend.',
      { summary_text: 'The house is small and the world is big.' },
    ],
  ])('%s', async (model, task, text, expected) => {
    const runner = await runnerOf(join(models, `local/tiny-synthetic-${model}`), task, graphs);
    expect(await answersOf(runner, texts([text]))).toEqual([[expected]]);
  });

  test('text-generation, and the same sample for the same question', async () => {
    const runner = await runnerOf(join(models, 'en10/babyllama-tok105'), 'text-generation');
    const sampled = { max_new_tokens: 12, temperature: 1, return_full_text: false };
    const [stories, ...samples] = (await answersOf(runner, [
      ...texts(['Once upon a time'], { max_new_tokens: 30 }),
      ...texts(['Once upon a time', 'Once upon a time', 'A long time ago'], sampled),
    ])) as { generated_text: string }[][];
    expect(stories![0]!.generated_text).toBe('Once upon a time, there was a little girl name');
    expect(samples[1]).toEqual(samples[0]);
    expect(samples[0]![0]!.generated_text).not.toMatch(/^Once/);
  });

  test('text-generation: several texts of one prompt differ, and are the same texts when asked again', async () => {
    const runner = await runnerOf(join(models, 'en10/babyllama-tok105'), 'text-generation');
    const parameters = { max_new_tokens: 12, num_return_sequences: 3, temperature: 2 };
    const asked = texts(['Once upon a time'], parameters);
    const [first, seeded, again] = (await answersOf(runner, [
      ...asked,
      ...texts(['Once upon a time'], { ...parameters, seed: 7 }),
      ...asked,
    ])) as { generated_text: string }[][];
    expect(new Set(first!.map(({ generated_text }) => generated_text)).size).toBe(3);
    expect(again).toEqual(first);
    expect(seeded).not.toEqual(first);
  });

  test('text-generation: top_p is heeded, and the order of parameters is no part of the question', async () => {
    const runner = await runnerOf(join(models, 'en10/babyllama-tok105'), 'text-generation');
    const [greedy, narrow, wide, reordered] = await answersOf(runner, [
      ...texts(['Once upon a time'], { max_new_tokens: 12 }),
      ...texts(['Once upon a time'], { max_new_tokens: 12, temperature: 5, top_p: 0.001 }),
      ...texts(['Once upon a time'], { max_new_tokens: 12, temperature: 5, top_p: 0.99 }),
      ...texts(['Once upon a time'], { top_p: 0.99, temperature: 5, max_new_tokens: 12 }),
    ]);
    expect(narrow).toEqual(greedy);
    expect(wide).not.toEqual(greedy);
    expect(reordered).toEqual(wide);
  });

  test('a text that is too long is refused where the job forbids to cut it', async () => {
    const runner = await runnerOf(
      join(models, 'local/tiny-synthetic-t5-copy'),
      'text2text-generation',
      graphs,
    );
    const long = texts(['word '.repeat(3000)], { truncation: 'do_not_truncate', max_new_tokens: 1 });
    expect(await answersOf(runner, long)).toMatchObject([
      { message: expect.stringMatching(/the text has \d+ tokens, the model takes \d+/) },
    ]);
  });

  test('conversational: the turns so far are kept', async () => {
    const runner = await runnerOf(join(models, 'en10/babyllama-tok105'), 'conversational');
    const inputs = { text: 'Once upon a time', past_user_inputs: ['Hello'], generated_responses: ['Hi.'] };
    const [answer] = await answersOf(runner, [{ inputs, parameters: { max_new_tokens: 8 } }]);
    const { generated_text: reply } = answer as { generated_text: string };
    expect(reply.length).toBeGreaterThan(3);
    expect(answer).toMatchObject({
      conversation: { past_user_inputs: ['Hello', 'Once upon a time'], generated_responses: ['Hi.', reply] },
    });
  });

  const hopper = () => ({ bytes: readFileSync(join(models, '../data/images/pillow/hopper.jpg')) });

  test('object-detection', async () => {
    const runner = await runnerOf(join(models, 'megvii/yolox-nano'), 'object-detection');
    const [found, broken] = await answersOf(runner, [
      { inputs: { image: hopper() }, parameters: {} },
      { inputs: { image: { bytes: Buffer.from('x') } }, parameters: {} },
    ]);
    expect(found).toEqual([
      { label: 'person', score: expect.closeTo(0.93, 2), box: { xmin: 1, ymin: 5, xmax: 123, ymax: 127 } },
      { label: 'tie', score: expect.closeTo(0.74, 2), box: expect.anything() },
    ]);
    expect(broken).toMatchObject({ message: expect.stringContaining('cannot be decoded') });
  });

  test('image-classification', async () => {
    const runner = await runnerOf(join(models, 'vladmandic/human-emotion'), 'image-classification');
    const [answer] = await answersOf(runner, [{ inputs: { image: hopper() }, parameters: { top_k: 3 } }]);
    expect(answer).toEqual([
      { label: 'happy', score: expect.closeTo(0.45, 2) },
      { label: 'sad', score: expect.closeTo(0.39, 2) },
      { label: 'angry', score: expect.closeTo(0.14, 2) },
    ]);
  });

  test('image-segmentation: masks are PNGs as large as the image', async () => {
    const runner = await runnerOf(join(models, 'mediapipe/selfie-segmentation'), 'image-segmentation');
    const [answer] = await answersOf(runner, [{ inputs: { image: hopper() }, parameters: {} }]);
    const person = (answer as { label: string; mask: string }[]).find(({ label }) => label === 'person')!;
    const png = sharp(Buffer.from(person.mask, 'base64'));
    const { data, info } = await png.toColourspace('b-w').raw().toBuffer({ resolveWithObject: true });
    expect(info).toMatchObject({ width: 128, height: 128, channels: 1 });
    expect(data.filter((pixel) => pixel === 255).length / data.length).toBeCloseTo(0.546, 2);
  });

  test('audio-classification', async () => {
    const runner = await runnerOf(
      join(models, 'snakers4/silero-vad-speech-classifier'),
      'audio-classification',
    );
    const tone = wave(tones([440], 44_100, 1), { bits: 16, rate: 44_100 });
    const [answer] = (await answersOf(runner, [
      { inputs: { audio: { bytes: tone } }, parameters: {} },
    ])) as Prediction[][];
    expect(answer![0]).toEqual({ label: 'no_speech', score: expect.closeTo(1, 2) });
  });

  test('automatic-speech-recognition, also from other rates and formats', async () => {
    const runner = await runnerOf(
      join(models, 'local/tiny-synthetic-asr-tone-letters'),
      'automatic-speech-recognition',
    );
    const letters = [...'HELLO WORLD'].map((letter) =>
      letter === ' ' ? 400 : 500 + 100 * (letter.charCodeAt(0) - 65),
    );
    const said = (rate: number) => tones(letters, rate, 0.1, 0.08);
    const sounds = [
      wave(said(16_000), { bits: 16, rate: 16_000 }),
      wave(said(44_100), { bits: 16, rate: 44_100 }),
      flac([said(22_050)], 22_050),
      await compressed('audio/mpeg', said(44_100), 44_100),
      await compressed('audio/ogg', said(48_000), 48_000),
    ];
    const questions = sounds.map((bytes) => ({ inputs: { audio: { bytes } }, parameters: {} }));
    expect(await answersOf(runner, questions)).toEqual(sounds.map(() => ({ text: 'HELLO WORLD' })));
  });
});
