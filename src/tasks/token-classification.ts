import * as z from 'zod';
import { column, float64, int32, listOf, structOf, utf8 } from './arrow-types.ts';
import { codePointIndex } from './code-points.ts';
import { hash32 } from './hash.ts';
import { isFiniteNumber, isInt32, isObject, itemsOf } from './shapes.ts';
import { DecodeError } from './task.ts';
import type { Inputs, Parameters, ResultRow, Task } from './task.ts';

export const tokenClassification: Task = {
  name: 'token-classification',
  aliases: ['ner'],
  summary: 'Finds the names, places and other parts of a text, each with its kind and where it stands',
  inputs: {
    text: { kind: 'text', required: true, description: 'The text to look through' },
  },
  parameters: z.strictObject({
    aggregation_strategy: z
      .enum(['none', 'simple', 'first', 'average', 'max'])
      .describe(
        'How tokens become entities. none: each token by itself; simple: tokens of one kind that follow each other ' +
          'are one entity; first, average, max: likewise, and the tokens of a word agree: on the kind of its first ' +
          'token, on that of the highest average score, on that of the token with the highest score',
      )
      .meta({ default: 'simple' })
      .optional(),
    ignore_labels: z
      .array(z.string())
      .describe('Kinds to leave out')
      .meta({ default: ['O'] })
      .optional(),
    stride: z
      .int()
      .min(1)
      .describe('How much the pieces of a text that is too long for the model overlap, in tokens')
      .optional(),
  }),
  exampleModel: 'dbmdz/bert-large-cased-finetuned-conll03-english',
  example: { inputs: { text: 'body' } },
  findsSeveral: true,
  columns: () => [
    column(
      'entities',
      listOf(
        structOf({ entity_group: utf8(), score: float64(), word: utf8(), start: int32(), end: int32() }),
      ),
    ),
  ],
  decode: decodeEntities,
  emulate: emulateEntities,
};

/**
 * Known shapes: `[{entity_group, score, word, start, end}, …]`, empty where nothing was found; `entity` in place of
 * `entity_group` where tokens stand by themselves; nested once; one bare object. Models with a slow tokenizer do not
 * know where a word stands: `start` and `end` are then null.
 */
function decodeEntities(answer: unknown): ResultRow {
  const items = itemsOf(answer);
  if (items === undefined) throw new DecodeError('a list of {entity_group, score, word}', answer);
  return { entities: items.map((item) => entity(item, answer)) };
}

function entity(item: unknown, answer: unknown) {
  if (!isObject(item)) throw new DecodeError('a list of {entity_group, score, word}', answer);
  const { entity_group = item.entity, score, word, start = null, end = null } = item;
  if (typeof entity_group !== 'string') throw new DecodeError('an entity_group that is a text', answer);
  if (!isFiniteNumber(score)) throw new DecodeError('a score that is a finite number', answer);
  if (typeof word !== 'string') throw new DecodeError('a word that is a text', answer);
  if (!isPlace(start) || !isPlace(end)) throw new DecodeError('start and end that are whole numbers', answer);
  return { entity_group, score, word, start, end };
}

function isPlace(value: unknown): value is number | null {
  return value === null || isInt32(value);
}

/** Kinds of CoNLL-2003. */
const KINDS = ['PER', 'LOC', 'ORG', 'MISC'] as const;

/** Runs of capitalized words, without the first word of a sentence if it stands alone; their kind is by hash. */
function emulateEntities(inputs: Inputs, parameters: Parameters): unknown {
  const text = String(inputs.text);
  const ignored = Array.isArray(parameters.ignore_labels) ? parameters.ignore_labels : ['O'];
  const names = namesIn(text)
    .map(({ name, at }) => ({ name, at, kind: KINDS[hash32(name.split(' ')[0]!) % KINDS.length]! }))
    .filter(({ kind }) => !ignored.includes(kind));
  if (parameters.aggregation_strategy !== 'none')
    return names.map(({ name, at, kind }) => ({ entity_group: kind, ...foundAt(text, name, at) }));
  return names.flatMap(({ name, at, kind }) =>
    [...name.matchAll(/\S+/g)].map(({ 0: word, index }) => ({
      entity: `I-${kind}`,
      ...foundAt(text, word, at + index),
    })),
  );
}

function foundAt(text: string, word: string, at: number) {
  const start = codePointIndex(text, at);
  const score = 0.9 + (hash32(word) / 2 ** 32) * 0.1;
  return { score, word, start, end: start + codePointIndex(word, word.length) };
}

function namesIn(text: string): { name: string; at: number }[] {
  const runs = text.matchAll(/\p{Lu}[\p{L}\p{N}’'-]+(?: \p{Lu}[\p{L}\p{N}’'-]+)*/gu);
  return [...runs].flatMap(({ 0: name, index: at }) => {
    const isFirst = /(?:^|[.!?:])[^\p{L}\p{N}]*$/u.test(text.slice(0, at));
    return isFirst && !name.includes(' ') ? [] : [{ name, at }];
  });
}
