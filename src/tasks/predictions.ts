import type { Field } from 'apache-arrow';
import { column, float64, listOf, structOf, utf8 } from './arrow-types.ts';
import { isFiniteNumber, isObject, itemsOf } from './shapes.ts';
import { DecodeError } from './task.ts';
import type { ResultRow } from './task.ts';

/** What every classification task answers: labels with scores. */
export interface Prediction {
  label: string;
  score: number;
}

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
  // Array.prototype.sort is stable: equal scores keep the server's order, so a re-run writes the same bytes.
  predictions.sort((a, b) => b.score - a.score);
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
