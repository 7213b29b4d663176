import { DataType } from 'apache-arrow';
import type { BoundColumn } from './column-path.ts';
import { MappingError } from './mapping-error.ts';

/** Reads the texts of a column; null where the row has none. */
export function textReader({ data, isNull, value }: BoundColumn): (row: number) => string | null {
  if (!DataType.isUtf8(data.type)) return (row) => value(row) as string | null;
  // The common case, three times as fast as through the cell: offsets and bytes at hand, no object for a row.
  const offsets: Int32Array = data.valueOffsets;
  const bytes = Buffer.from(data.values.buffer, data.values.byteOffset, data.values.byteLength);
  return (row) => (isNull(row) ? null : bytes.toString('utf8', offsets[row], offsets[row + 1]));
}

/** A list of texts, of a list column or of JSON that a template made. */
export function textsOf(value: unknown): string[] {
  if (!Array.isArray(value)) throw new MappingError('is not a list of texts');
  const wrong = value.findIndex((item) => typeof item !== 'string');
  if (wrong >= 0)
    throw new MappingError(
      `item ${wrong + 1} of the list is ${value[wrong] === null ? 'null' : 'not a text'}`,
    );
  return value as string[];
}

/** @throws {MappingError} */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new MappingError(`is not JSON: ${(error as Error).message}`);
  }
}
