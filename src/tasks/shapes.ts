/** Small questions that every task's `decode` asks of an answer. */

export type JsonObject = Record<string, unknown>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A list of JSON; one of numbers may have been read as floats. */
export function isList(value: unknown): value is unknown[] | Float32Array {
  return Array.isArray(value) || value instanceof Float32Array;
}

export function isFiniteNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}

/** Whether it is a whole number that a column of type i32 can hold. */
export function isInt32(value: unknown): value is number {
  return typeof value === 'number' && value === (value | 0);
}

/**
 * The items of an answer that should be a flat list: `[a, b]`, the same nested once as `[[a, b]]`, or a bare object
 * as a list of one. Undefined for anything else.
 */
export function itemsOf(answer: unknown): unknown[] | undefined {
  if (isObject(answer)) return [answer];
  if (!Array.isArray(answer)) return undefined;
  const [first] = answer;
  return answer.length === 1 && Array.isArray(first) ? first : answer;
}
