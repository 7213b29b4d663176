import { DataType, type Field } from 'apache-arrow';
import { answers } from './answers.ts';
import { boxes } from './boxes.ts';
import { entities } from './entities.ts';
import { fillings } from './fillings.ts';
import { labels } from './labels.ts';
import { masks } from './masks.ts';
import type { Comparison } from './measure.ts';
import { scores } from './scores.ts';
import { texts } from './texts.ts';
import { embedding, embeddings } from './vectors.ts';

/** By the first result column of a task, so that tasks which answer alike are compared alike. */
const byColumn: Readonly<Record<string, Comparison>> = {
  answer: answers,
  detections: boxes,
  embedding,
  embeddings,
  entities,
  label: labels,
  predictions: fillings,
  scores,
  segments: masks,
};

/**
 * How answers with these result columns are compared: text word by word, everything else by what its column is.
 * Undefined for columns that nobody has said it of.
 */
export function comparisonOf(columns: readonly Field[]): Comparison | undefined {
  const [first] = columns;
  if (first === undefined) return undefined;
  return byColumn[first.name] ?? (DataType.isUtf8(first.type) ? texts(first.name) : undefined);
}
