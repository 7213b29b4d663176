import { contentTypeOf } from '../mapping/content-type.ts';
import { bytes } from './words.ts';

/** Numbers in a list that are shown; of an embedding the first few are enough. */
const listed = 8;

/** What could move the cursor, end the line or turn the direction of writing. */
const unprintable = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]+/gu;

/**
 * A value of data in one line for a terminal: text as it is, bytes as `<image/png, 1.2 kB>`, numbers to four digits,
 * lists and structs as JSON with long vectors cut. Line breaks and control characters become spaces.
 */
export function shown(value: unknown): string {
  const text = typeof value === 'string' ? value : plainText(value);
  return text.replace(unprintable, ' ');
}

function plainText(value: unknown): string {
  if (value === null || value === undefined) return '';
  const short = shortened(value);
  return typeof short === 'string' ? short : JSON.stringify(short, asShortened);
}

/** Of JSON.stringify, which has made an object of a Buffer before it asks. */
function asShortened(this: Readonly<Record<string, unknown>>, key: string, item: unknown): unknown {
  const own = this[key];
  return shortened(own instanceof Uint8Array ? own : item);
}

/** A value as JSON may hold it and a person wants to see it. */
function shortened(value: unknown): unknown {
  if (typeof value === 'number') return Number.isInteger(value) ? value : Number(value.toPrecision(4));
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  if (value instanceof Uint8Array) return `<${contentTypeOf(value) ?? 'bytes'}, ${bytes(value.length)}>`;
  if (value instanceof Float32Array || value instanceof Float64Array) return vectorText(value);
  const isVector = Array.isArray(value) && value.length > listed && value.every(isNumber);
  return isVector ? vectorText(value) : value;
}

function vectorText(numbers: ArrayLike<number>): string {
  const first = Array.from({ length: Math.min(3, numbers.length) }, (_, i) => shortened(numbers[i]));
  return `[${first.join(', ')}${numbers.length > 3 ? `, … ${numbers.length} numbers` : ''}]`;
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number';
}
