import type { Field } from 'apache-arrow';
import * as z from 'zod';
import { column, float64, listOf, structOf, utf8 } from './arrow-types.ts';
import { hash32, noise } from './hash.ts';
import { isFiniteNumber, isObject, itemsOf } from './shapes.ts';
import { DecodeError } from './task.ts';
import type { Parameters, ResultRow } from './task.ts';

/** What every classification task answers: labels with scores. */
export interface Prediction {
  label: string;
  score: number;
}

/** What the API takes where a model gives one of its labels. */
export const classificationParameters = z.strictObject({
  top_k: z
    .int()
    .min(1)
    .describe('How many of the most probable labels to answer; default: what the server thinks fit, often 5')
    .optional(),
  function_to_apply: z
    .enum(['sigmoid', 'softmax', 'none'])
    .describe('What turns the model’s outputs into scores; default: what the model’s configuration says')
    .optional(),
});

/** `label` and `score` of the best prediction, and all `predictions`, best first. */
export function predictionColumns(): Field[] {
  return [
    column('label', utf8()),
    column('score', float64()),
    column('predictions', listOf(structOf({ label: utf8(), score: float64() }))),
  ];
}

/**
 * Known shapes: `[{label, score}, …]`, the same nested once, one bare object, and `{labels, scores}` (also as a list
 * of one), which zero-shot servers send.
 * @throws {DecodeError}
 */
export function decodePredictions(answer: unknown): ResultRow {
  const predictions = predictionsIn(answer);
  // Nearly all answers are sorted already, and to sort a few things costs more than all else here.
  if (predictions.some(({ score }, i) => i > 0 && score > predictions[i - 1]!.score)) {
    // Array.prototype.sort is stable: equal scores keep the server's order, so a re-run writes the same bytes.
    predictions.sort((a, b) => b.score - a.score);
  }
  const best = predictions[0];
  if (best === undefined) throw new DecodeError('at least one {label, score}', answer);
  return { label: best.label, score: best.score, predictions };
}

function predictionsIn(answer: unknown): Prediction[] {
  const items = itemsOf(answer);
  if (items === undefined) throw new DecodeError('a list of {label, score}', answer);
  const [first] = items;
  if (items.length === 1 && isObject(first) && 'labels' in first)
    return zipped(first.labels, first.scores, answer);
  return items.map((item) => {
    if (!isObject(item)) throw new DecodeError('a list of {label, score}', answer);
    return prediction(item.label, item.score, answer);
  });
}

function zipped(labels: unknown, scores: unknown, answer: unknown): Prediction[] {
  if (!Array.isArray(labels) || !Array.isArray(scores) || labels.length !== scores.length) {
    throw new DecodeError('as many labels as scores', answer);
  }
  return labels.map((label, i) => prediction(label, scores[i], answer));
}

function prediction(label: unknown, score: unknown, answer: unknown): Prediction {
  if (typeof label !== 'string') throw new DecodeError('a label that is a string', answer);
  if (!isFiniteNumber(score)) throw new DecodeError('a score that is a finite number', answer);
  return { label, score };
}

/** As many labels as servers answer unless `top_k` says otherwise. */
const EMULATED_TOP_K = 5;

/**
 * A distribution over labels, chosen by a hash of the bytes: the same file always gets the same one. `sigmoid` gives
 * independent scores and `none` the numbers before any function, as the API does.
 */
export function emulatePredictions(
  bytes: Uint8Array,
  labels: readonly string[],
  parameters: Parameters,
): Prediction[] {
  const next = noise(hash32(bytes));
  const outputs = labels.map(() => 8 * next() - 4);
  const sum = outputs.reduce((total, output) => total + Math.exp(output), 0);
  const functions: Record<string, (output: number) => number> = {
    none: (output) => output,
    sigmoid: (output) => 1 / (1 + Math.exp(-output)),
    softmax: (output) => Math.exp(output) / sum,
  };
  const apply = functions[String(parameters.function_to_apply ?? 'softmax')]!;
  return outputs
    .map((output, i) => ({ score: apply(output), label: labels[i]! }))
    .sort((a, b) => b.score - a.score)
    .slice(0, typeof parameters.top_k === 'number' ? parameters.top_k : EMULATED_TOP_K);
}
