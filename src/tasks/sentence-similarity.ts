import * as z from 'zod';
import { column, float64, listOf } from './arrow-types.ts';
import { featureExtraction } from './feature-extraction.ts';
import { isFiniteNumber } from './shapes.ts';
import { DecodeError, Unanswerable } from './task.ts';
import type { Inputs, ResultRow, Task } from './task.ts';

export const sentenceSimilarity: Task = {
  name: 'sentence-similarity',
  aliases: [],
  summary: 'Says how near in meaning each of several sentences is to one',
  inputs: {
    source_sentence: {
      kind: 'text',
      required: true,
      description: 'The sentence that the others are compared with',
    },
    sentences: { kind: 'texts', required: true, description: 'The sentences to compare' },
  },
  parameters: z.strictObject({}),
  exampleModel: 'sentence-transformers/all-MiniLM-L6-v2',
  example: { inputs: { source_sentence: 'question', sentences: 'candidates' } },
  columns: () => [column('scores', listOf(float64()))],
  decode: decodeScores,
  emulate: emulateScores,
};

/** Known shapes: one number for each sentence, `[n]`, and the same nested once. */
function decodeScores(answer: unknown): ResultRow {
  const isNested = Array.isArray(answer) && answer.length === 1 && Array.isArray(answer[0]);
  const scores: unknown = isNested ? answer[0] : answer;
  if (!Array.isArray(scores) || scores.length === 0 || !scores.every(isFiniteNumber))
    throw new DecodeError('a list of numbers, one for each sentence', answer);
  return { scores };
}

/** Cosines of the emulated embeddings. @throws {Unanswerable} where there is nothing to compare */
function emulateScores(inputs: Inputs): unknown {
  const sentences = inputs.sentences as string[];
  if (sentences.length === 0) throw new Unanswerable('Error in `inputs.sentences`: the list is empty');
  const embed = (text: string) => featureExtraction.emulate({ text }, {}) as number[];
  const source = embed(String(inputs.source_sentence));
  return sentences.map((sentence) => {
    const other = embed(sentence);
    return source.reduce((sum, x, i) => sum + x * other[i]!, 0);
  });
}
