import duckdb from '@duckdb/node-bindings';
import type { Data, DataType } from 'apache-arrow';
import { BitmapBuilder, type Bits, forEachRun } from '../arrow/bits.ts';
import type { GrowingBytes } from '../arrow/bytes.ts';
import { SluiceError } from '../errors.ts';

/** What every column's data has in common. */
export interface Common {
  length: number;
  nullBitmap: Uint8Array | undefined;
  nullCount: number;
}

/** Consecutive items of a vector; or, without `from`, so many nulls that have no place in it. */
export interface Range {
  from?: number;
  count: number;
}

/**
 * One column of a batch in the making: takes ranges of DuckDB vectors, gives Arrow data.
 *
 * Ranges come together because each look into a vector copies it from its beginning. Only valid items are read: below
 * a null, DuckDB has whatever was in that memory, and copying it would make the same query give other bytes from one
 * run to the next.
 */
export abstract class Column {
  protected readonly type: DataType;
  readonly #validity = new BitmapBuilder();
  #length = 0;

  constructor(type: DataType) {
    this.type = type;
  }

  /** Appends these items of the vector, in this order. */
  append(vector: duckdb.Vector, ranges: readonly Range[]): void {
    const size = ranges.reduce(
      (end, { from, count }) => (from === undefined ? end : Math.max(end, from + count)),
      0,
    );
    const validity = size === 0 ? undefined : validityOf(vector, size);
    const runs: Range[] = [];
    for (const { from, count } of ranges) {
      if (from === undefined) runs.push({ count });
      else
        forEachRun(validity, from, count, (start, n, valid) =>
          runs.push(valid ? { from: start, count: n } : { count: n }),
        );
    }
    for (const { from, count } of runs) {
      this.#validity.fill(from !== undefined, count);
      this.#length += count;
    }
    this.read(vector, size, runs);
  }

  /** The items since the last `take`. */
  take(): Data {
    const length = this.#length;
    this.#length = 0;
    return this.build({ length, ...this.#validity.take() });
  }

  /** Reads the runs, all of whose items in the vector are valid; `size` is where the last of them ends. */
  protected abstract read(vector: duckdb.Vector, size: number, runs: readonly Range[]): void;
  protected abstract build(common: Common): Data;
}

function validityOf(vector: duckdb.Vector, size: number): Bits | undefined {
  const bytes: Uint8Array | null = duckdb.vector_get_validity(vector, Math.ceil(size / 64) * 8);
  return bytes ? { bytes, start: 0 } : undefined;
}

export function growOffsets(offsets: GrowingBytes, count: number): Int32Array {
  return int32s(offsets.grow(count * 4));
}

export function int32s(bytes: Uint8Array): Int32Array {
  return new Int32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
}

/** Offsets of Arrow's lists and strings have 31 bits. */
export function checkOffset(offset: number): void {
  if (offset > 0x7fff_ffff) {
    throw new SluiceError(
      'ARROW_RANGE',
      `more than 2 GiB in one column of one batch: ${offset} bytes or values`,
      {
        next: 'Set output.rows_per_part lower, or leave the column out.',
      },
    );
  }
}
