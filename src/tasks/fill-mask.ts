import * as z from 'zod';
import { column, float64, int32, int64, listOf, structOf, utf8 } from './arrow-types.ts';
import { hash32, noise } from './hash.ts';
import { isFiniteNumber, isObject } from './shapes.ts';
import { DecodeError, Unanswerable } from './task.ts';
import type { Inputs, Parameters, ResultRow, Task } from './task.ts';

export const fillMask: Task = {
  name: 'fill-mask',
  aliases: [],
  summary: 'Fills the holes of a text with the words that fit best',
  inputs: {
    text: {
      kind: 'text',
      required: true,
      description: 'A text with one or more masks as the model writes them, such as [MASK] or <mask>',
    },
  },
  parameters: z.strictObject({
    top_k: z.int().min(1).describe('How many words to answer for each mask').meta({ default: 5 }).optional(),
    targets: z
      .array(z.string().min(1))
      .min(1)
      .describe('Choose among these words only, instead of the whole vocabulary')
      .optional(),
  }),
  exampleModel: 'google-bert/bert-base-uncased',
  example: { inputs: { text: 'sentence' }, parameters: { top_k: 3 } },
  findsSeveral: true,
  columns: () => [
    column(
      'predictions',
      listOf(
        structOf({ sequence: utf8(), score: float64(), token: int64(), token_str: utf8(), mask: int32() }),
      ),
    ),
  ],
  decode: decodeFillings,
  emulate: emulateFillings,
};

/**
 * Known shapes: `[{sequence, score, token, token_str}, …]` for one mask, a list of such lists for several, either of
 * them nested once more, one bare object.
 */
function decodeFillings(answer: unknown): ResultRow {
  const predictions = masksIn(answer).flatMap((fillings, mask) =>
    fillings.map((filling) => ({ ...prediction(filling, answer), mask })),
  );
  if (predictions.length === 0) throw new DecodeError('at least one {sequence, score}', answer);
  return { predictions };
}

function masksIn(answer: unknown): unknown[][] {
  let lists = isObject(answer) ? [answer] : answer;
  if (Array.isArray(lists) && lists.length === 1 && Array.isArray(lists[0]) && Array.isArray(lists[0][0]))
    lists = lists[0];
  if (!Array.isArray(lists)) throw new DecodeError('a list of {sequence, score, token, token_str}', answer);
  return Array.isArray(lists[0])
    ? lists.map((list: unknown) => (Array.isArray(list) ? list : [list]))
    : [lists];
}

function prediction(filling: unknown, answer: unknown) {
  if (!isObject(filling)) throw new DecodeError('a list of {sequence, score, token, token_str}', answer);
  const { sequence, score, token, token_str } = filling;
  if (typeof sequence !== 'string') throw new DecodeError('a sequence that is a text', answer);
  if (!isFiniteNumber(score)) throw new DecodeError('a score that is a finite number', answer);
  if (!Number.isSafeInteger(token)) throw new DecodeError('a token that is a whole number', answer);
  if (typeof token_str !== 'string') throw new DecodeError('a token_str that is a text', answer);
  return { sequence, score, token, token_str };
}

const MASK = /\[MASK\]|<mask>/g;

const EMULATED_WORDS = (
  'good new small great first happy old long quiet open dark warm simple whole free young common bright strange ' +
  'beautiful time world life water house light people morning music history nothing everything'
).split(' ');

/** Vocabulary of bert-base-uncased, for token numbers that could be. */
const VOCABULARY = 30_522;

/** Words of a small vocabulary in an order that the text decides. @throws {Unanswerable} for a text without a mask */
function emulateFillings(inputs: Inputs, parameters: Parameters): unknown {
  const text = String(inputs.text);
  const masks = [...text.matchAll(MASK)];
  if (masks.length === 0) throw new Unanswerable('No mask_token ([MASK]) found on the input');
  const answers = masks.map(([mask], i) => fillings(text, mask, i, parameters));
  return answers.length === 1 ? answers[0] : answers;
}

function fillings(text: string, mask: string, nth: number, { top_k, targets }: Parameters): unknown[] {
  const next = noise(hash32(text, nth));
  const words = Array.isArray(targets) ? targets.map(String) : EMULATED_WORDS;
  const ranked = words.map((word) => ({ word, rank: next() })).sort((a, b) => b.rank - a.rank);
  let left = 1;
  return ranked.slice(0, typeof top_k === 'number' ? top_k : 5).map(({ word }) => {
    const score = left * (0.3 + next() * 0.4);
    left -= score;
    let place = -1;
    return {
      score,
      token: hash32(word) % VOCABULARY,
      // RoBERTa's tokens begin with their space, BERT's do not.
      token_str: mask === '<mask>' ? ` ${word}` : word,
      sequence: text.replace(MASK, (other) => {
        place++;
        return place === nth ? word : other;
      }),
    };
  });
}
