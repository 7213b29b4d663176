import * as z from 'zod';
import { column, listOf, vectorOf } from './arrow-types.ts';
import { hash32, noise, wordsIn } from './hash.ts';
import { isList } from './shapes.ts';
import { DecodeError, excerptOf } from './task.ts';
import type { Inputs, Parameters, ResultRow, Task } from './task.ts';

export const featureExtraction: Task = {
  name: 'feature-extraction',
  aliases: ['embeddings'],
  summary: 'Turns a text into a vector, for search, clustering and comparison',
  inputs: {
    text: { kind: 'text', required: true, description: 'The text to embed' },
  },
  parameters: z.strictObject({
    normalize: z.boolean().describe('Scale each vector to length 1').optional(),
    truncate: z
      .boolean()
      .describe('Cut texts that are too long for the model instead of refusing them')
      .optional(),
    truncation_direction: z
      .enum(['left', 'right'])
      .describe('Which end of a text that is too long is cut off; only with truncate')
      .optional(),
    prompt_name: z
      .string()
      .min(1)
      .describe('Name of a prompt of the model’s configuration that is put before the text, such as "query"')
      .optional(),
    dimensions: z.int().min(1).describe('Length of the vectors, for models that can shorten them').optional(),
    encoding_format: z
      .enum(['float', 'base64'])
      .describe(
        'How vectors come over the wire, where the server leaves the choice: base64 is a third of the size',
      )
      .optional(),
    pooling: z
      .enum(['mean', 'cls', 'none'])
      .describe(
        'How one vector is made of the vectors of all tokens, where the server leaves that to the client: their ' +
          'mean (the default), the first one (cls), or not at all (none: the column is then `embeddings`)',
      )
      .optional(),
  }),
  localParameters: ['pooling'],
  answersFloats: true,
  exampleModel: 'sentence-transformers/all-MiniLM-L6-v2',
  example: { inputs: { text: 'body' }, parameters: { normalize: true } },
  columns: ({ pooling }) =>
    pooling === 'none' ? [column('embeddings', listOf(vectorOf(0)))] : [column('embedding', vectorOf(0))],
  decode: decodeEmbedding,
  emulate: emulateEmbedding,
};

/**
 * Known shapes: `[n]` pooled by the server, `[tokens][n]` unpooled, and both nested once more as a list of one text.
 * Where base64 was asked for, a text of little-endian 32-bit floats is such a pooled vector.
 * `[[n]]` is either a nested pooled vector or a single token; pooling one token gives the same vector.
 */
function decodeEmbedding(answer: unknown, parameters: Parameters): ResultRow {
  const { pooling = 'mean', normalize, encoding_format: encoding } = parameters;
  // Only where it was asked for: any text can be read as base64.
  const tokens = tokenVectors(encoding === 'base64' ? unpacked(answer) : answer);
  if (pooling === 'none') {
    return { embeddings: normalize === true ? tokens.map(normalized) : tokens };
  }
  const pooled = pooling === 'cls' ? tokens[0]! : meanOf(tokens);
  return { embedding: normalize === true ? normalized(pooled) : pooled };
}

/** The numbers in a text of base64; anything else as it is. */
function unpacked(answer: unknown): unknown {
  if (typeof answer !== 'string') return answer;
  const bytes = Buffer.from(answer, 'base64');
  if (bytes.length % 4 !== 0) throw new DecodeError('base64 of 32-bit floats', answer);
  return Array.from({ length: bytes.length / 4 }, (_, i) => bytes.readFloatLE(i * 4));
}

function tokenVectors(answer: unknown): Float32Array[] {
  if (answer instanceof Float32Array) return [vectorFrom(answer, answer)];
  let rows = answer;
  if (Array.isArray(rows) && rows.length === 1 && Array.isArray(rows[0]) && isList(rows[0][0]))
    rows = rows[0];
  if (!Array.isArray(rows) || rows.length === 0) throw new DecodeError('a list of numbers', answer);
  if (!isList(rows[0])) return [vectorFrom(rows, answer)];
  const vectors = rows.map((row: unknown) => vectorFrom(row, answer));
  if (vectors.some(({ length }) => length !== vectors[0]!.length)) {
    throw new DecodeError('vectors of one length', answer);
  }
  return vectors;
}

/** Checks after the rounding to 32 bits, so that a number too large for them is refused and not written as infinity. */
function vectorFrom(numbers: unknown, answer: unknown): Float32Array {
  if (numbers instanceof Float32Array) {
    // 32 bits already, and looked through because a model on this machine may divide by zero.
    if (numbers.length > 0 && areFinite(numbers)) return numbers;
    throw new DecodeError('finite numbers', answer);
  }
  if (!Array.isArray(numbers) || numbers.length === 0) throw new DecodeError('a list of numbers', answer);
  const vector = new Float32Array(numbers.length);
  for (let i = 0; i < numbers.length; i++) {
    const number: unknown = numbers[i];
    if (typeof number !== 'number')
      throw new DecodeError(`a list of numbers, without ${excerptOf(number, 20)} at place ${i}`, answer);
    vector[i] = number;
    if (!Number.isFinite(vector[i])) throw new DecodeError('numbers that fit 32-bit floats', answer);
  }
  return vector;
}

/** A loop: `every` calls a function for each of its numbers. */
function areFinite(numbers: Float32Array): boolean {
  for (let i = 0; i < numbers.length; i++) if (!Number.isFinite(numbers[i])) return false;
  return true;
}

function meanOf(vectors: Float32Array[]): Float32Array {
  if (vectors.length === 1) return vectors[0]!;
  const sums = new Float64Array(vectors[0]!.length);
  for (const vector of vectors) {
    for (let i = 0; i < sums.length; i++) sums[i]! += vector[i]!;
  }
  return Float32Array.from(sums, (sum) => sum / vectors.length);
}

/** A vector that the server has already scaled keeps the server's exact numbers; a zero vector stays zero. */
function normalized(vector: Float32Array): Float32Array {
  const length = lengthOf(vector);
  return length === 0 || Math.abs(length - 1) < 1e-3 ? vector : vector.map((x) => x / length);
}

function lengthOf(vector: Float32Array | Float64Array): number {
  let squares = 0;
  for (let i = 0; i < vector.length; i++) squares += vector[i]! * vector[i]!;
  return Math.sqrt(squares);
}

/** As all-MiniLM-L6-v2 has them. */
const EMULATED_DIMENSIONS = 384;

/** A bag of words: each word has a fixed random direction, so that texts which share words are near each other. */
function emulateEmbedding(inputs: Inputs, parameters: Parameters): unknown {
  const dimensions = typeof parameters.dimensions === 'number' ? parameters.dimensions : EMULATED_DIMENSIONS;
  const sums = new Float64Array(dimensions);
  // The empty word keeps a text without words off the zero vector, which has no direction.
  for (const word of ['', ...wordsIn(String(inputs.text))]) {
    const next = noise(hash32(word));
    const weight = word === '' ? 0.1 : 1;
    for (let i = 0; i < dimensions; i++) sums[i]! += weight * (next() - 0.5);
  }
  const length = lengthOf(sums);
  return Array.from(sums, (sum) => Math.fround(sum / length));
}
