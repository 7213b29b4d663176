import duckdb from '@duckdb/node-bindings';
import type { Data, DataType, Vector } from 'apache-arrow';
import { BitmapBuilder } from '../arrow/bits.ts';
import { GrowingBytes } from '../arrow/bytes.ts';
import { dataOf } from '../arrow/data.ts';
import { SluiceError } from '../errors.ts';
import { Column, type Common, checkOffset, growOffsets, int32s, type Range } from './column.ts';
import { StringReader } from './strings.ts';

export class NullColumn extends Column {
  protected read(): void {
    // A column of nulls has no values.
  }

  protected build({ length }: Common): Data {
    return dataOf(this.type, { length, nullCount: length });
  }
}

/** Values that both sides lay out alike: copied as they are. Also the indexes of a dictionary. */
export class FixedWidthColumn extends Column {
  readonly #width: number;
  readonly #dictionary: Vector | undefined;
  readonly #values = new GrowingBytes();

  constructor(type: DataType, width: number, dictionary?: Vector) {
    super(type);
    this.#width = width;
    this.#dictionary = dictionary;
  }

  protected read(vector: duckdb.Vector, size: number, runs: readonly Range[]): void {
    const width = this.#width;
    const values = duckdb.vector_get_data(vector, size * width);
    for (const { from, count } of runs) {
      if (from === undefined) this.#values.grow(count * width);
      else this.#values.append(values.subarray(from * width, (from + count) * width));
    }
  }

  protected build(common: Common): Data {
    const data = this.#values.take();
    return dataOf(this.type, { ...common, data, ...(this.#dictionary && { dictionary: this.#dictionary }) });
  }
}

/** DuckDB keeps a byte for each truth value, Arrow a bit. */
export class BoolColumn extends Column {
  readonly #values = new BitmapBuilder();

  protected read(vector: duckdb.Vector, size: number, runs: readonly Range[]): void {
    const values = duckdb.vector_get_data(vector, size);
    for (const { from, count } of runs) {
      if (from === undefined) this.#values.fill(false, count);
      else for (let i = from; i < from + count; i++) this.#values.fill(values[i] === 1, 1);
    }
  }

  protected build(common: Common): Data {
    const { nullBitmap: bits } = this.#values.take();
    return dataOf(this.type, { ...common, data: bits ?? new Uint8Array((common.length + 7) >> 3).fill(255) });
  }
}

/** Text and binary: offsets and bytes. */
export class BytesColumn extends Column {
  readonly #offsets = new GrowingBytes();
  readonly #bytes = new GrowingBytes();

  protected read(vector: duckdb.Vector, size: number, runs: readonly Range[]): void {
    const strings = new StringReader(vector, size);
    const items: number[] = [];
    let end = this.#bytes.length;
    for (const { from, count } of runs) {
      const offsets = growOffsets(this.#offsets, count);
      for (let i = 0; i < count; i++) {
        offsets[i] = end;
        if (from === undefined) continue;
        items.push(from + i);
        end += strings.length(from + i);
      }
    }
    checkOffset(end);
    strings.load(items);
    const bytes = this.#bytes.grow(end - this.#bytes.length);
    let at = 0;
    for (const item of items) {
      strings.copy(item, bytes, at);
      at += strings.length(item);
    }
  }

  protected build(common: Common): Data {
    growOffsets(this.#offsets, 1)[0] = this.#bytes.length;
    const valueOffsets = int32s(this.#offsets.take());
    return dataOf(this.type, { ...common, valueOffsets, data: this.#bytes.take() });
  }
}

/** DuckDB keeps a decimal in 2, 4, 8 or 16 bytes by its digits, Arrow in 16. */
export class DecimalColumn extends Column {
  readonly #width: number;
  readonly #values = new GrowingBytes();

  constructor(type: DataType, precision: number) {
    super(type);
    this.#width = decimalBytes(precision);
  }

  protected read(vector: duckdb.Vector, size: number, runs: readonly Range[]): void {
    const width = this.#width;
    const source = duckdb.vector_get_data(vector, size * width);
    for (const { from, count } of runs) {
      const target = this.#values.grow(count * 16);
      if (from === undefined) continue;
      for (let i = 0; i < count; i++) {
        const start = (from + i) * width;
        for (let k = 0; k < width; k++) target[i * 16 + k] = source[start + k]!;
        // Two's complement: the missing high bytes repeat the sign.
        if (source[start + width - 1]! & 0x80) target.fill(255, i * 16 + width, (i + 1) * 16);
      }
    }
  }

  protected build(common: Common): Data {
    return dataOf(this.type, { ...common, data: this.#values.take() });
  }
}

/** Bytes in which DuckDB keeps a decimal of this many digits. */
export function decimalBytes(precision: number): 2 | 4 | 8 | 16 {
  if (precision <= 4) return 2;
  if (precision <= 9) return 4;
  return precision <= 18 ? 8 : 16;
}

/** Both are months and days (i32), then i64: DuckDB's are microseconds, Arrow's are nanoseconds. */
export class IntervalColumn extends Column {
  readonly #values = new GrowingBytes();

  protected read(vector: duckdb.Vector, size: number, runs: readonly Range[]): void {
    const source = viewOf(duckdb.vector_get_data(vector, size * 16));
    for (const { from, count } of runs) {
      const target = viewOf(this.#values.grow(count * 16));
      if (from === undefined) continue;
      for (let i = 0; i < count; i++) {
        const start = (from + i) * 16;
        target.setInt32(i * 16, source.getInt32(start, true), true);
        target.setInt32(i * 16 + 4, source.getInt32(start + 4, true), true);
        target.setBigInt64(i * 16 + 8, nanoseconds(source.getBigInt64(start + 8, true)), true);
      }
    }
  }

  protected build(common: Common): Data {
    return dataOf(this.type, { ...common, data: this.#values.take() });
  }
}

function nanoseconds(micros: bigint): bigint {
  const nanos = micros * 1000n;
  if (BigInt.asIntN(64, nanos) === nanos) return nanos;
  throw new SluiceError('ARROW_RANGE', `interval does not fit into 64 bits of nanoseconds: ${nanos} ns`, {
    next: 'Cast the column to text, or leave it out.',
  });
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
