import { isObject } from '../../../tasks/shapes.ts';
import { modelJson, readModelJson } from '../model.ts';
import type { Output } from '../session.ts';

export type Pooling = 'mean' | 'cls' | 'max' | 'last' | 'none';

/** How sentence-transformers says that its models make one vector of many. */
export interface SentenceModel {
  pooling: Pooling | undefined;
  /** It ends with a layer that scales to length 1. */
  normalize: boolean;
  /** Texts that are put before the input, by name. */
  prompts: Readonly<Record<string, string>>;
  defaultPrompt: string | undefined;
}

/** Reads modules.json and what it names; a model without has no pooling of its own. */
export function sentenceModel(folder: string): SentenceModel {
  const pooling = modelJson(folder, '1_Pooling/config.json');
  const own = modelJson(folder, 'config_sentence_transformers.json');
  const names = [
    ['pooling_mode_mean_tokens', 'mean'],
    ['pooling_mode_cls_token', 'cls'],
    ['pooling_mode_max_tokens', 'max'],
    ['pooling_mode_lasttoken', 'last'],
  ] as const;
  return {
    pooling: names.find(([name]) => pooling?.[name] === true)?.[1],
    normalize: JSON.stringify(readModelJson(folder, 'modules.json') ?? null).includes('models.Normalize"'),
    prompts: isObject(own?.prompts) ? (own.prompts as Record<string, string>) : {},
    defaultPrompt: typeof own?.default_prompt_name === 'string' ? own.default_prompt_name : undefined,
  };
}

/**
 * One vector of the vectors of a sequence's tokens.
 * @param output of shape [batch, tokens, n]
 * @param tokens how many of them are the sequence's; padding counts for nothing
 */
export function pooled(
  { data, dims }: Output,
  position: number,
  tokens: number,
  pooling: Pooling,
): Float32Array {
  const [, length, size] = dims as [number, number, number];
  const start = position * length * size;
  if (pooling === 'cls') return data.slice(start, start + size);
  if (pooling === 'last')
    return data.slice(start + Math.max(0, tokens - 1) * size, start + Math.max(1, tokens) * size);
  const end = start + tokens * size;
  if (pooling === 'mean') return means(data, start, end, size, tokens);
  const vector = new Float32Array(size);
  for (let i = 0; i < size; i++) vector[i] = greatest(data, start + i, end, size);
  return vector;
}

/**
 * Means of columns, four at a time, in variables: sums in the vector itself, token by token, take three times as long, and
 * one column after the other 1.7 times.
 */
function means(data: Float32Array, start: number, end: number, size: number, tokens: number): Float32Array {
  const count = Math.max(1, tokens);
  const vector = new Float32Array(size);
  const whole = size - (size % 4);
  for (let i = 0; i < whole; i += 4) {
    let [a, b, c, d] = [0, 0, 0, 0];
    for (let at = start + i; at < end; at += size) {
      a += data[at]!;
      b += data[at + 1]!;
      c += data[at + 2]!;
      d += data[at + 3]!;
    }
    vector[i] = a / count;
    vector[i + 1] = b / count;
    vector[i + 2] = c / count;
    vector[i + 3] = d / count;
  }
  for (let i = whole; i < size; i++) {
    let sum = 0;
    for (let at = start + i; at < end; at += size) sum += data[at]!;
    vector[i] = sum / count;
  }
  return vector;
}

function greatest(data: Float32Array, from: number, end: number, step: number): number {
  let most = Number.NEGATIVE_INFINITY;
  for (let at = from; at < end; at += step) most = Math.max(most, data[at]!);
  return most;
}

/** Scales to length 1, in place; a zero vector stays zero. */
export function normalized(vector: Float32Array): Float32Array {
  let squares = 0;
  // Over the indices: `of` takes 2.5 times as long.
  for (let i = 0; i < vector.length; i++) squares += vector[i]! * vector[i]!;
  const length = Math.sqrt(squares);
  if (length > 0) for (let i = 0; i < vector.length; i++) vector[i]! /= length;
  return vector;
}
