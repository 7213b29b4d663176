import duckdb from '@duckdb/node-bindings';
import type { Data, DataType } from 'apache-arrow';
import { GrowingBytes } from '../arrow/bytes.ts';
import { dataOf } from '../arrow/data.ts';
import { Column, type Common, checkOffset, growOffsets, int32s, type Range } from './column.ts';

export class StructColumn extends Column {
  readonly #children: Column[];

  constructor(type: DataType, children: Column[]) {
    super(type);
    this.#children = children;
  }

  protected read(vector: duckdb.Vector, _size: number, runs: readonly Range[]): void {
    this.#children.forEach((child, i) => {
      child.append(duckdb.struct_vector_get_child(vector, i), runs);
    });
  }

  protected build(common: Common): Data {
    return dataOf(this.type, { ...common, children: this.#children.map((child) => child.take()) });
  }
}

/** Lists of one length: item `i` is `size` values from `i * size` on. */
export class ArrayColumn extends Column {
  readonly #size: number;
  readonly #child: Column;

  constructor(type: DataType, size: number, child: Column) {
    super(type);
    this.#size = size;
    this.#child = child;
  }

  protected read(vector: duckdb.Vector, _size: number, runs: readonly Range[]): void {
    const ranges = runs.map(({ from, count }) => ({
      count: count * this.#size,
      ...(from !== undefined && { from: from * this.#size }),
    }));
    this.#child.append(duckdb.array_vector_get_child(vector), ranges);
  }

  protected build(common: Common): Data {
    return dataOf(this.type, { ...common, child: this.#child.take() });
  }
}

/**
 * Lists and maps. DuckDB keeps an offset and a length for each item, and after a filter or a slice they point
 * anywhere into the child; what happens to lie in a row goes as one range.
 */
export class ListColumn extends Column {
  readonly #child: Column;
  readonly #offsets = new GrowingBytes();
  #values = 0;

  constructor(type: DataType, child: Column) {
    super(type);
    this.#child = child;
  }

  protected read(vector: duckdb.Vector, size: number, runs: readonly Range[]): void {
    const bytes = duckdb.vector_get_data(vector, size * 16);
    // Offset and length are u64; a vector never holds 2^32 values, so their low words are enough.
    const entries = new Uint32Array(bytes.buffer, bytes.byteOffset, size * 4);
    const ranges: { from: number; count: number }[] = [];
    for (const { from, count } of runs) {
      const offsets = growOffsets(this.#offsets, count);
      if (from === undefined) {
        offsets.fill(this.#values);
        continue;
      }
      for (let i = 0; i < count; i++) {
        offsets[i] = this.#values;
        const start = entries[(from + i) * 4]!;
        const length = entries[(from + i) * 4 + 2]!;
        if (length === 0) continue;
        const last = ranges.at(-1);
        if (last && last.from + last.count === start) last.count += length;
        else ranges.push({ from: start, count: length });
        this.#values += length;
      }
    }
    checkOffset(this.#values);
    this.#child.append(duckdb.list_vector_get_child(vector), ranges);
  }

  protected build(common: Common): Data {
    growOffsets(this.#offsets, 1)[0] = this.#values;
    this.#values = 0;
    const valueOffsets = int32s(this.#offsets.take());
    return dataOf(this.type, { ...common, valueOffsets, child: this.#child.take() });
  }
}
