import { hash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import type { Question } from '../../../src/backends/backend.ts';
import type { Prediction } from '../../../src/tasks/predictions.ts';
import type { Parameters } from '../../../src/tasks/task.ts';
import { answersOf, runnerOf, texts } from './kit.ts';
import { tones, wave } from './sound-kit.ts';

/**
 * The same rows to sluice and to the pipeline of transformers.js over the same model. Left out is what it does wrong or
 * not at all:
 *
 * - texts that must be cut: it drops the closing token, and reads a long context without a stride;
 * - token-classification: places; `first`, `average` and `max`; pieces of words under `none` (`##berg` loses its mark);
 *   unknown words (dropped); entities of one kind that only words outside of any part (merged);
 * - question-answering: places, and the letters of the original text (it gives the lower-cased tokens);
 * - fill-mask: more than one mask; text-classification: a head with one label (always 1);
 * - object-detection: its threshold of 0.9, where the API has 0.5;
 * - automatic-speech-recognition: a CTC model whose blank is a special token (HELLO is HELO);
 * - sampled texts, which have random numbers of their own; sounds, which it cannot decode: it gets the samples.
 *
 * It has no sentence-similarity: the cosines of its vectors stand for it.
 */
const shared = process.env.SLUICE_SHARED ?? '../shared';
const models = join(shared, 'models');
const images = join(shared, 'data/images');

/** A pipeline of transformers.js; each has its own arguments and answers. */
type Call = <T>(...args: readonly unknown[]) => Promise<T>;

interface Case {
  task: string;
  model: string;
  questions: () => Question[];
  /** Name of its pipeline, where that is not the task. */
  pipeline?: string;
  /** What it answers, in the shape of ours. */
  theirs: (call: Call, question: Question) => Promise<unknown>;
  /** What of our answer is compared; default: all. */
  ours?: (answer: never) => unknown;
}

const sentences = [
  'The food was great and the service was friendly.',
  'Waste of money. Do not buy.',
  'It was fine, I guess.',
  'Ünïcödé 😀 and emoji',
];
const longer = { max_new_tokens: 40 };
const turns = ['Tom had a big red ball.', 'He was happy.', 'Then'];

const cases: Case[] = [
  {
    task: 'text-classification',
    model: 'local/tiny-trained-sentiment-uci-m2v',
    questions: () => texts(sentences),
    theirs: (call, { inputs }) => call(inputs.text, { top_k: 2 }),
  },
  {
    task: 'text-classification',
    model: 'google/magika-standard-v3_3',
    questions: () =>
      texts(['SELECT a.id, count(*) FROM t GROUP BY 1', 'def f(x):\n    return x + 1\n'], { top_k: 3 }),
    theirs: (call, { inputs }) => call(inputs.text, { top_k: 3 }),
  },
  ...[{ pooling: 'mean' }, { pooling: 'cls' }, { pooling: 'mean', normalize: true }, { pooling: 'none' }].map(
    (parameters): Case => ({
      task: 'feature-extraction',
      model: 'minishlab/m2v-bge-base-en-v1.5-128-int8',
      questions: () => texts(sentences, parameters),
      theirs: async (call, { inputs }) => {
        const { data } = await call<{ data: Float32Array }>(inputs.text, parameters);
        return data;
      },
      ours: (answer: Float32Array | Float32Array[]) =>
        Array.isArray(answer) ? Float32Array.from(answer.flatMap((vector) => [...vector])) : answer,
    }),
  ),
  {
    task: 'sentence-similarity',
    model: 'minishlab/m2v-bge-base-en-v1.5-128-int8',
    pipeline: 'feature-extraction',
    questions: () => [
      { inputs: { source_sentence: sentences[0]!, sentences: sentences.slice(1) }, parameters: {} },
    ],
    theirs: async (call, { inputs }) => {
      const list = [inputs.source_sentence, ...(inputs.sentences as string[])];
      const vectors = await Promise.all(
        list.map((text) => call<{ data: Float32Array }>(text, { pooling: 'mean' })),
      );
      const [source, ...others] = vectors.map(({ data }) => data);
      return others.map((other) => cosine(source!, other));
    },
  },
  {
    task: 'zero-shot-classification',
    model: 'local/tiny-synthetic-nli-m2v-cosine',
    questions: () =>
      [
        { candidate_labels: ['sports', 'politics', 'cooking'] },
        { candidate_labels: ['sports', 'politics', 'cooking'], multi_label: true },
        { candidate_labels: ['sports', 'cooking'], hypothesis_template: 'The kitchen and {}.' },
        { candidate_labels: ['cooking'] },
      ].map((parameters) => ({
        inputs: { text: 'Bake the cake for forty minutes with butter and sugar' },
        parameters,
      })),
    theirs: async (call, { inputs, parameters }) => {
      const { candidate_labels: asked, ...options } = parameters;
      const { labels, scores } = await call<{ labels: string[]; scores: number[] }>(
        inputs.text,
        asked,
        options,
      );
      return labels.map((label, i): Prediction => ({ label, score: scores[i]! }));
    },
  },
  ...(['none', 'simple'] as const).map(
    (strategy): Case => ({
      task: 'token-classification',
      model: 'local/tiny-trained-ner-per-loc-org',
      questions: () =>
        texts(
          [
            'Angela Merkel visited Paris and Berlin on Tuesday.',
            'John Smith works at Siemens in New York.',
            'Nothing of the kind happened.',
          ],
          { aggregation_strategy: strategy },
        ),
      theirs: async (call, { inputs }) => {
        const found = await call<
          { entity?: string; entity_group?: string; score: number; word: string; index?: number }[]
        >(inputs.text, { aggregation_strategy: strategy });
        return found.map(({ entity, entity_group, score, word }) => ({
          entity_group: entity_group ?? entity,
          score,
          word,
        }));
      },
      ours: (entities: { entity_group: string; score: number; word: string }[]) =>
        entities.map(({ entity_group, score, word }) => ({ entity_group, score, word })),
    }),
  ),
  {
    task: 'question-answering',
    model: 'local/tiny-synthetic-qa-m2v-nearest',
    questions: () =>
      [
        ['Where does Sarah live?', 'My name is Sarah and I live in London.'],
        ['What did the chef cook?', 'The chef was hungry, so a soup was made in the kitchen.'],
      ].map(([question = '', context = '']) => ({ inputs: { question, context }, parameters: {} })),
    theirs: (call, { inputs }) => call(inputs.question, inputs.context),
    ours: ({ answer, score }: { answer: string; score: number }) => ({ answer: answer.toLowerCase(), score }),
  },
  {
    task: 'fill-mask',
    model: 'local/tiny-synthetic-mlm-m2v-cbow',
    questions: () =>
      texts(['The chef cooked a delicious [MASK] in the kitchen.', 'They play [MASK] on the guitar.']),
    theirs: (call, { inputs }) => call(inputs.text),
  },
  ...(
    [
      ['summarization', 'local/tiny-synthetic-t5-first-sentence'],
      ['translation', 'local/tiny-synthetic-t5-en-fr-wordmap'],
      ['text2text-generation', 'local/tiny-synthetic-t5-copy'],
    ] as const
  ).map(
    ([task, model]): Case => ({
      task,
      model,
      questions: () =>
        texts(['The house is small and the world is big. It is a good day with my friend.'], longer),
      theirs: (call, { inputs }) => call(inputs.text, longer),
    }),
  ),
  ...[true, false].map(
    (return_full_text): Case => ({
      task: 'text-generation',
      model: 'en10/babyllama-tok105',
      questions: () =>
        texts(['Once upon a time', 'The little dog'], {
          ...longer,
          return_full_text,
          repetition_penalty: 1.2,
        }),
      theirs: (call, { inputs, parameters }) => call(inputs.text, parameters),
    }),
  ),
  {
    task: 'conversational',
    model: 'en10/babyllama-tok105',
    pipeline: 'text-generation',
    questions: () => [
      {
        inputs: { text: turns[2]!, past_user_inputs: [turns[0]!], generated_responses: [turns[1]!] },
        parameters: longer,
      },
    ],
    theirs: async (call) => {
      const messages = turns.map((content, i) => ({
        role: i % 2 === 0 ? 'user' : 'assistant',
        content,
      }));
      const [turn] = await call<{ generated_text: { content: string }[] }[]>(messages, longer);
      return turn!.generated_text.at(-1)!.content;
    },
    ours: ({ generated_text }: { generated_text: string }) => generated_text,
  },
  {
    task: 'image-classification',
    model: 'vladmandic/human-emotion',
    questions: pictures,
    theirs: async (call, { inputs }) => call(await rawImage(inputs), { top_k: 5 }),
  },
  {
    task: 'object-detection',
    model: 'megvii/yolox-nano',
    questions: () => [...pictures(), ...pictures({ threshold: 0.2 })],
    theirs: async (call, { inputs, parameters }) =>
      call(await rawImage(inputs), { threshold: 0.5, ...parameters }),
  },
  {
    task: 'image-segmentation',
    model: 'mediapipe/selfie-segmentation',
    questions: pictures,
    theirs: async (call, { inputs }) => {
      const segments = await call<{ label: string; score: null; mask: { data: Uint8Array } }[]>(
        await rawImage(inputs),
      );
      return segments.map(({ label, score, mask }) => ({ label, score, mask: hash('sha256', mask.data) }));
    },
    ours: (segments: { label: string; score: number | null; mask: string }[]) =>
      Promise.all(
        segments.map(async ({ label, score, mask }) => ({
          label,
          score,
          mask: hash(
            'sha256',
            await sharp(Buffer.from(mask, 'base64')).toColourspace('b-w').raw().toBuffer(),
          ),
        })),
      ),
  },
  {
    task: 'audio-classification',
    model: 'snakers4/silero-vad-speech-classifier',
    questions: () =>
      ['spk1_snt1.wav', 'spk1_snt2.wav'].map((name) =>
        sound(readFileSync(join(shared, 'data/audio/speechbrain', name))),
      ),
    theirs: (call, { inputs }) => call(samplesOf(inputs)),
  },
  {
    task: 'automatic-speech-recognition',
    model: 'local/tiny-synthetic-asr-tone-letters',
    questions: () => {
      const letters = [...'HELLO WORLD'].map((letter) =>
        letter === ' ' ? 400 : 500 + 100 * (letter.charCodeAt(0) - 65),
      );
      return [sound(wave(tones(letters, 16_000, 0.1, 0.08), { bits: 16, rate: 16_000 }))];
    },
    theirs: (call, { inputs }) => call(samplesOf(inputs)),
  },
];

describe.skipIf(!existsSync(models))(
  'where transformers.js is right, our answers are its answers',
  async () => {
    const { env, pipeline } = await import('@huggingface/transformers');
    const loaded = new Map<string, Promise<unknown>>();
    /** Each model once, on either side. */
    const once = <T>(key: string, load: () => Promise<T>): Promise<T> => {
      const found = (loaded.get(key) ?? load()) as Promise<T>;
      loaded.set(key, found);
      return found;
    };

    test.each(cases.map((one) => [one.task, one.model, one] as const))('%s: %s', async (task, model, one) => {
      const folder = join(models, model);
      const graphs = existsSync(join(folder, 'onnx/encoder_model.onnx'))
        ? ['encoder_model', 'decoder_model_merged']
        : ['model'];
      const runner = await once(`ours ${task} ${model}`, () => runnerOf(folder, task, graphs));
      const name = one.pipeline ?? task;
      const call = await once(`theirs ${name} ${model}`, () => {
        // The runner has set it to the model's own folder.
        env.localModelPath = models;
        env.allowRemoteModels = false;
        const dtype = existsSync(join(folder, 'onnx/model_quantized.onnx')) ? 'q8' : 'fp32';
        return (pipeline as unknown as (...args: unknown[]) => Promise<Call>)(name, model, { dtype });
      });
      const questions = one.questions();
      const answers = await answersOf(runner, questions);
      for (const [i, question] of questions.entries()) {
        const ours = await (one.ours ?? ((answer: unknown) => answer))(answers[i] as never);
        expect(ours).toEqual(like(await one.theirs(call, question)));
      }
    });
  },
);

/** Labels, words and boxes as they are, scores within 1e-3, vectors with a cosine above 0.9999. */
function like(value: unknown): unknown {
  if (typeof value === 'number') return expect.closeTo(value, 3);
  if (value instanceof Float32Array) return parallelTo(value);
  if (Array.isArray(value)) return value.map(like);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, like(inner)]));
}

function parallelTo(vector: Float32Array) {
  return expect.toSatisfy(
    (ours: unknown) =>
      ours instanceof Float32Array && ours.length === vector.length && cosine(ours, vector) > 0.9999,
  );
}

function cosine(a: Float32Array, b: Float32Array): number {
  const dot = (x: Float32Array, y: Float32Array) => x.reduce((sum, value, i) => sum + value * y[i]!, 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}

/** A face, the same face that only its Exif turns upright, and two photographs. */
function pictures(parameters: Parameters = {}): Question[] {
  return [
    'pillow/hopper.jpg',
    'pillow/hopper_orientation_6.jpg',
    'us-government-photos/15673749081_767a7fa63a_k.jpg',
    'us-government-photos/17790319373_bd19b24cfc_k.jpg',
  ].map((name) => ({ inputs: { image: { bytes: readFileSync(join(images, name)) } }, parameters }));
}

async function rawImage(inputs: Question['inputs']): Promise<unknown> {
  const { RawImage } = await import('@huggingface/transformers');
  const { bytes } = inputs.image as { bytes: Buffer };
  return RawImage.fromBlob(new Blob([Uint8Array.from(bytes)]));
}

function sound(bytes: Buffer): Question {
  return { inputs: { audio: { bytes } }, parameters: {} };
}

/** The samples of a WAV file of 16 bits, one channel, 16 kHz, with a head of 44 bytes. */
function samplesOf(inputs: Question['inputs']): Float32Array {
  const { bytes } = inputs.audio as { bytes: Buffer };
  return Float32Array.from(
    { length: (bytes.length - 44) >> 1 },
    (_, i) => bytes.readInt16LE(44 + 2 * i) / 32_768,
  );
}
