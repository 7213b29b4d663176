import * as z from 'zod';
import { column, float64, int32, utf8 } from './arrow-types.ts';
import { codePointIndex } from './code-points.ts';
import { hash32, wordsIn } from './hash.ts';
import { isFiniteNumber, isInt32, isObject, itemsOf } from './shapes.ts';
import { DecodeError } from './task.ts';
import type { Inputs, ResultRow, Task } from './task.ts';

export const questionAnswering: Task = {
  name: 'question-answering',
  aliases: [],
  summary: 'Finds the answer to a question in a text',
  inputs: {
    question: { kind: 'text', required: true, description: 'The question' },
    context: { kind: 'text', required: true, description: 'The text that the answer is in' },
  },
  parameters: z.strictObject({
    doc_stride: z
      .int()
      .min(1)
      .describe('How much the pieces of a context that is too long for the model overlap, in tokens')
      .optional(),
    max_answer_len: z.int().min(1).describe('Greatest length of an answer, in tokens').optional(),
    max_seq_len: z
      .int()
      .min(1)
      .describe('Greatest length of question and context together, in tokens')
      .optional(),
    max_question_len: z.int().min(1).describe('Questions are cut to this length, in tokens').optional(),
    handle_impossible_answer: z
      .boolean()
      .describe('Let the model say that there is no answer: it is then an empty text')
      .meta({ default: false })
      .optional(),
    align_to_words: z
      .boolean()
      .describe('Begin and end answers at words; not for languages without spaces')
      .meta({ default: true })
      .optional(),
  }),
  exampleModel: 'deepset/roberta-base-squad2',
  example: { inputs: { question: 'question', context: 'context' } },
  columns: () => [
    column('answer', utf8()),
    column('score', float64()),
    column('start', int32()),
    column('end', int32()),
  ],
  decode: decodeAnswer,
  emulate: emulateAnswer,
};

/**
 * Known shapes: one `{answer, score, start, end}`, or a list of them (of which the best counts), also nested once. The
 * documentation calls `end` `stop`.
 */
function decodeAnswer(answer: unknown): ResultRow {
  const items = itemsOf(answer);
  if (items === undefined || items.length === 0) throw new DecodeError('{answer, score, start, end}', answer);
  const found = items.map((item) => span(item, answer));
  return found.reduce((best, other) => (other.score > best.score ? other : best));
}

function span(item: unknown, whole: unknown) {
  if (!isObject(item)) throw new DecodeError('{answer, score, start, end}', whole);
  const { answer, score, start, end = item.stop } = item;
  if (typeof answer !== 'string') throw new DecodeError('an answer that is a text', whole);
  if (!isFiniteNumber(score)) throw new DecodeError('a score that is a finite number', whole);
  if (!isInt32(start) || !isInt32(end)) throw new DecodeError('start and end that are whole numbers', whole);
  return { answer, score, start, end };
}

/** Words that stand in questions and say nothing of their answers. */
const QUESTION_WORDS = new Set(
  "what what's which who whom whose when where why how is are was were do does did the a an of in on at to for".split(
    ' ',
  ),
);

/** The longest run of new words in the sentence that shares most words with the question. */
function emulateAnswer(inputs: Inputs): unknown {
  const context = String(inputs.context);
  const asked = new Set(wordsIn(String(inputs.question)));
  const sentences = [...context.matchAll(/[^.!?]+/g)].map((match) => ({ text: match[0], at: match.index }));
  const shared = ({ text }: { text: string }) => wordsIn(text).filter((word) => asked.has(word)).length;
  const best = sentences.reduce(
    (found, sentence) => (shared(sentence) > shared(found) ? sentence : found),
    sentences[0] ?? { text: '', at: 0 },
  );
  const { text, from, to } = newestRun(best.text, asked);
  const start = codePointIndex(context, best.at + from);
  return {
    score: 0.5 + (hash32(`${String(inputs.question)}\0${context}`) / 2 ** 32) * 0.5,
    start,
    end: start + codePointIndex(text.slice(from, to), to - from),
    answer: text.slice(from, to),
  };
}

/** The longest stretch of words that the question does not have; all of the text where it has them all. */
function newestRun(text: string, asked: ReadonlySet<string>) {
  const words = [...text.matchAll(/\S+/g)].map((match) => ({
    from: match.index,
    to: match.index + match[0].replace(/[,;:]$/, '').length,
    isNew: wordsIn(match[0]).some((word) => !asked.has(word) && !QUESTION_WORDS.has(word)),
  }));
  let best = { from: words[0]?.from ?? 0, to: words.at(-1)?.to ?? 0, length: 0 };
  let run = { from: 0, to: 0, length: 0 };
  for (const { from, to, isNew } of words) {
    if (!isNew) run = { from: 0, to: 0, length: 0 };
    else run = { from: run.length === 0 ? from : run.from, to, length: run.length + 1 };
    if (run.length > best.length) best = run;
  }
  return { text, ...best };
}
