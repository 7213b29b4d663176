import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { InferenceClient, InferenceClientProviderApiError } from '@huggingface/inference';
import { afterEach, describe, expect, test } from 'vitest';
import { startEmulator } from '../../src/emulator/emulator.ts';
import type { Emulator, EmulatorOptions } from '../../src/emulator/emulator.ts';
import { findTask } from '../../src/tasks/index.ts';
import type { Inputs, Parameters } from '../../src/tasks/task.ts';

/** The client that people use, as it is published, against the emulator: what satisfies it is the API's form. */

const examples = join(import.meta.dirname, '../../fixtures/examples');
const png = readFileSync(join(examples, 'images/boat.png'));
const wav = readFileSync(join(examples, 'audio/doorbell.wav'));
const image = new Blob([png], { type: 'image/png' });
const audio = new Blob([wav], { type: 'audio/wav' });
/** Without a type: the client then sends no content type either. */
const untyped = new Uint8Array(wav).buffer;

interface Case {
  task: string;
  title?: string;
  inputs: Inputs;
  parameters?: Parameters;
  ask(client: InferenceClient, model: string): Promise<unknown>;
}

const sentence = 'My name is Clara and I live in Berkeley.';
const question = { question: 'Where do I live?', context: sentence };
const similar = { source_sentence: 'a happy dog', sentences: ['a glad dog', 'rain'] };
const table = { Name: ['transformers', 'datasets'], Stars: ['36542', '4512'] };
const on = { provider: 'hf-inference' } as const;

/** One line a call; those of tasks that sluice does not have yet are left out. */
const cases: Case[] = [
  {
    task: 'text-classification',
    inputs: { text: 'I love it' },
    ask: (client, model) => client.textClassification({ ...on, model, inputs: 'I love it' }),
  },
  {
    task: 'feature-extraction',
    inputs: { text: 'a dog' },
    ask: (client, model) => client.featureExtraction({ ...on, model, inputs: 'a dog' }),
  },
  {
    task: 'fill-mask',
    inputs: { text: 'I live in [MASK].' },
    ask: (client, model) => client.fillMask({ ...on, model, inputs: 'I live in [MASK].' }),
  },
  {
    task: 'summarization',
    inputs: { text: sentence },
    ask: (client, model) => client.summarization({ ...on, model, inputs: sentence }),
  },
  {
    task: 'translation',
    inputs: { text: sentence },
    ask: (client, model) => client.translation({ ...on, model, inputs: sentence }),
  },
  {
    task: 'token-classification',
    inputs: { text: sentence },
    ask: (client, model) => client.tokenClassification({ ...on, model, inputs: sentence }),
  },
  {
    task: 'question-answering',
    inputs: question,
    ask: (client, model) => client.questionAnswering({ ...on, model, inputs: question }),
  },
  {
    task: 'table-question-answering',
    inputs: { query: 'How many stars?', table },
    // The client says `question` where the documentation says `query`.
    ask: (client, model) =>
      client.tableQuestionAnswering({ ...on, model, inputs: { question: 'How many stars?', table } }),
  },
  {
    task: 'sentence-similarity',
    inputs: similar,
    ask: (client, model) =>
      client.sentenceSimilarity({
        ...on,
        model,
        inputs: similar,
      }),
  },
  {
    task: 'zero-shot-classification',
    inputs: { text: sentence },
    parameters: { candidate_labels: ['home', 'work'] },
    ask: (client, model) =>
      client.zeroShotClassification({
        ...on,
        model,
        inputs: sentence,
        parameters: { candidate_labels: ['home', 'work'] },
      }),
  },
  {
    task: 'automatic-speech-recognition',
    inputs: { audio: { bytes: wav } },
    ask: (client, model) => client.automaticSpeechRecognition({ ...on, model, inputs: audio }),
  },
  {
    task: 'automatic-speech-recognition',
    title: 'of bytes without a type',
    inputs: { audio: { bytes: wav } },
    ask: (client, model) => client.automaticSpeechRecognition({ ...on, model, data: untyped }),
  },
  {
    task: 'audio-classification',
    inputs: { audio: { bytes: wav } },
    ask: (client, model) => client.audioClassification({ ...on, model, inputs: audio }),
  },
  {
    task: 'image-classification',
    inputs: { image: { bytes: png } },
    ask: (client, model) => client.imageClassification({ ...on, model, inputs: image }),
  },
  {
    task: 'object-detection',
    inputs: { image: { bytes: png } },
    ask: (client, model) => client.objectDetection({ ...on, model, inputs: image }),
  },
  {
    task: 'image-segmentation',
    inputs: { image: { bytes: png } },
    parameters: { threshold: 0.95 },
    ask: (client, model) =>
      client.imageSegmentation({ ...on, model, inputs: image, parameters: { threshold: 0.95 } }),
  },
];

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

/** A client whose requests to the router go to an emulator, and whose question of who serves a model is answered. */
async function start(task: string, options: EmulatorOptions = {}) {
  const emulator: Emulator = await startEmulator(options);
  closing.push(() => emulator.close());
  const urls: string[] = [];
  const redirected: typeof fetch = (input, init) => {
    const url = String(input);
    if (url.startsWith('https://huggingface.co/api/models/')) {
      const inferenceProviderMapping = [
        { provider: 'hf-inference', providerId: modelOf(url), task, status: 'live' },
      ];
      return Promise.resolve(Response.json({ inferenceProviderMapping }));
    }
    urls.push(url);
    return fetch(url.replace('https://router.huggingface.co', emulator.url), init);
  };
  return { client: new InferenceClient('hf_token', { fetch: redirected }), urls, emulator };
}

function modelOf(url: string): string {
  return new URL(url).pathname.replace('/api/models/', '');
}

const known = cases.filter(({ task }) => findTask(task) !== undefined);

describe('the client of Hugging Face understands the emulator:', () => {
  test.each(known.map((asked) => [asked.task, asked.title ?? '', asked] as const))(
    '%s %s',
    async (name, _, { inputs, parameters = {}, ask }) => {
      const task = findTask(name)!;
      const { client, urls, emulator } = await start(name);
      const answer = await ask(client, task.exampleModel);
      expect(urls).toHaveLength(1);
      expect(urls[0]).toMatch(`https://router.huggingface.co/hf-inference/models/${task.exampleModel}`);
      expect(task.decode(answer, parameters)).toEqual(
        task.decode(JSON.parse(JSON.stringify(task.emulate(inputs, parameters))), parameters),
      );
      expect(emulator.stats().statuses).toEqual({ 200: 1 });
    },
  );

  test('every task for images and sounds is among these', () => {
    for (const name of ['automatic-speech-recognition', 'audio-classification', 'image-classification'])
      expect(known.map(({ task }) => task)).toContain(name);
    for (const name of ['object-detection', 'image-segmentation'])
      expect(known.map(({ task }) => task)).toContain(name);
  });
});

describe('the client of Hugging Face is refused in the API’s way:', () => {
  const ask = (client: InferenceClient, model = 'any/sentiment') =>
    client.textClassification({ ...on, model, inputs: 'x' }, { retry_on_error: false });

  test.each<[string, number, EmulatorOptions, string?]>([
    ['a wrong token', 401, { token: 'another' }],
    ['a model that is not there', 404, {}, 'any/missing'],
    ['a model that is loading', 503, { loadingS: 20 }],
    ['too many requests', 429, { faults: { '429': 1 } }],
    ['an input that the model cannot read', 400, { poison: 'x' }],
  ])('%s is %i', async (_, status, options, model) => {
    const { client } = await start('text-classification', options);
    const error = await ask(client, model).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(InferenceClientProviderApiError);
    expect((error as InferenceClientProviderApiError).httpResponse.status).toBe(status);
  });
});
