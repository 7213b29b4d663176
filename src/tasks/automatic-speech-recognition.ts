import * as z from 'zod';
import { column, float64, listOf, structOf, utf8 } from './arrow-types.ts';
import { hash32, noise } from './hash.ts';
import { isFiniteNumber, isObject, itemsOf } from './shapes.ts';
import type { JsonObject } from './shapes.ts';
import { DecodeError } from './task.ts';
import type { Binary, Inputs, Parameters, ResultRow, Task } from './task.ts';

const count = (description: string) => z.int().min(1).describe(description).optional();
const share = (description: string) => z.number().gt(0).max(1).describe(description).optional();

/** How the words are generated, for models that generate them; named as in the API’s `generation_parameters`. */
const generationParameters = z.strictObject({
  temperature: z.number().min(0).describe('How freely tokens are sampled').optional(),
  top_k: count('Sample among so many of the most probable tokens'),
  top_p: share('Sample among the most probable tokens that together are this probable'),
  typical_p: share('Sample among the tokens that are as probable as expected, up to this share'),
  epsilon_cutoff: z
    .number()
    .min(0)
    .lt(1)
    .describe('Sample only tokens that are more probable than this')
    .optional(),
  eta_cutoff: z.number().min(0).lt(1).describe('The same, fitted to the entropy').optional(),
  max_length: count('Tokens at most, the prompt among them'),
  max_new_tokens: count('Tokens at most; goes before max_length'),
  min_length: count('Tokens at least, the prompt among them'),
  min_new_tokens: count('Tokens at least; goes before min_length'),
  do_sample: z.boolean().describe('Sample instead of taking the most probable').optional(),
  early_stopping: z
    .union([z.boolean(), z.literal('never')])
    .describe('When a beam search stops')
    .optional(),
  num_beams: count('Beams of the search'),
  num_beam_groups: count('Groups that the beams are divided into'),
  penalty_alpha: z.number().min(0).describe('Weight of the penalty in contrastive search').optional(),
  use_cache: z.boolean().describe('Keep past attentions to be faster').optional(),
});

export const automaticSpeechRecognition: Task = {
  name: 'automatic-speech-recognition',
  aliases: ['asr'],
  summary: 'Writes down what is said in a recording',
  inputs: {
    audio: { kind: 'audio', required: true, description: 'The recording to listen to' },
  },
  parameters: z.strictObject({
    return_timestamps: z
      .union([z.boolean(), z.enum(['word', 'char'])])
      .describe(
        'Fill `chunks`: with stretches as long as the model makes them (true), words or characters, where the model ' +
          'can; default false',
      )
      .optional(),
    generation_parameters: generationParameters
      .describe(
        `How a model that generates its words does so: ${Object.keys(generationParameters.shape).join(', ')}`,
      )
      .optional(),
  }),
  exampleModel: 'openai/whisper-large-v3',
  example: { inputs: { audio: 'audio' }, parameters: { return_timestamps: true } },
  columns: () => [
    column('text', utf8()),
    column('chunks', listOf(structOf({ text: utf8(), start: float64(), end: float64() }))),
  ],
  decode: decodeSpeech,
  emulate: emulateSpeech,
};

/**
 * Known shapes: `{text}`, also as a list of one, with `chunks` of `{text, timestamp: [start, end]}`; the same named
 * `segments` or `words` with `start` and `end`, which servers that speak like OpenAI send. Seconds; the last end may be
 * null, where the recording stops in the middle of a word. `chunks` is null where the server told no times.
 */
function decodeSpeech(answer: unknown): ResultRow {
  const items = itemsOf(answer);
  const [item] = items ?? [];
  if (items?.length !== 1 || !isObject(item) || typeof item.text !== 'string') {
    throw new DecodeError('an object {text}', answer);
  }
  const chunks = item.chunks ?? item.segments ?? item.words ?? null;
  if (chunks !== null && !Array.isArray(chunks)) throw new DecodeError('chunks that are a list', answer);
  return { text: item.text, chunks: chunks?.map((chunk: unknown) => chunkOf(chunk, answer)) ?? null };
}

function chunkOf(chunk: unknown, answer: unknown) {
  if (!isObject(chunk)) throw new DecodeError('chunks of {text, timestamp}', answer);
  const text = chunk.text ?? chunk.word;
  if (typeof text !== 'string') throw new DecodeError('chunks whose text is a string', answer);
  const [start, end] = timesOf(chunk);
  if (!isTime(start) || !isTime(end))
    throw new DecodeError('chunks with a start and an end in seconds', answer);
  return { text, start, end };
}

function timesOf(chunk: JsonObject): readonly unknown[] {
  const pair = chunk.timestamp ?? chunk.timestamps;
  if (pair === undefined) return [chunk.start, chunk.end];
  return Array.isArray(pair) && pair.length === 2 ? pair : [];
}

function isTime(value: unknown): value is number | null {
  return value === null || isFiniteNumber(value);
}

const EMULATED_WORDS =
  'a afternoon and before boat called came coast down evening every for from garden harbor he heard home in it ' +
  'letter light long morning of on once over quiet rain river road she slowly stood story that the they to town ' +
  'voice walked was water window winter with wrote';

/** How long a spoken word takes, in seconds. */
const WORD_S = 0.4;

/** Four to twelve words, chosen by a hash of the bytes: the same recording always says the same. */
function emulateSpeech(inputs: Inputs, parameters: Parameters): unknown {
  const next = noise(hash32((inputs.audio as Binary).bytes));
  const choices = EMULATED_WORDS.split(' ');
  const words = Array.from(
    { length: 4 + Math.floor(next() * 9) },
    () => choices[Math.floor(next() * choices.length)]!,
  );
  const text = words.join(' ');
  const unit = parameters.return_timestamps;
  if (unit === undefined || unit === false) return { text };
  const parts = unit === 'word' ? words : unit === 'char' ? [...text] : [text];
  const partS = (words.length * WORD_S) / parts.length;
  return {
    text,
    chunks: parts.map((part, i) => ({
      text: part,
      timestamp: [hundredths(i * partS), hundredths((i + 1) * partS)],
    })),
  };
}

function hundredths(seconds: number): number {
  return Math.round(seconds * 100) / 100;
}
