import type { RecordBatch, Schema } from 'apache-arrow';
import { corruptArrow } from '../arrow/data.ts';
import { CHUNK_BYTES, type Feed, type FeedScan } from './feed.ts';
import { duckdbType, uniqueNames } from './types.ts';
import { writeVector } from './vectors.ts';

/**
 * Arrow batches as a feed. `batches` is iterated anew for each scan, so it must be an array or an object whose
 * iterator begins at the beginning; its `return` is called when a scan ends early.
 *
 * Columns of one name get numbers, as in DuckDB: `a`, `a_1`. All batches have the types of the schema, by position.
 * @throws {SluiceError} for a column of a type that DuckDB cannot take
 */
export function arrowFeed(schema: Schema, batches: Iterable<RecordBatch>): Feed {
  const names = uniqueNames(schema.fields.map((field) => field.name));
  const columns = schema.fields.map((field, i) => ({
    name: names[i]!,
    type: duckdbType(field.type, field.name),
  }));
  return { columns, open: (projected) => new ArrowScan(schema, batches, projected) };
}

class ArrowScan implements FeedScan {
  readonly #schema: Schema;
  readonly #projected: readonly number[];
  readonly #batches: Iterator<RecordBatch>;
  /** The batch in work, and its first row that is not delivered yet. */
  #batch: RecordBatch | undefined;
  #row = 0;
  /** Rows of it that a pull takes at most. */
  #rowsInChunk = 0;

  constructor(schema: Schema, batches: Iterable<RecordBatch>, projected: readonly number[]) {
    this.#schema = schema;
    this.#batches = batches[Symbol.iterator]();
    this.#projected = projected;
  }

  next(vectors: Parameters<FeedScan['next']>[0], capacity: number): number {
    const batch = this.#currentBatch();
    if (!batch) return 0;
    const count = Math.min(capacity, this.#rowsInChunk, batch.numRows - this.#row);
    this.#projected.forEach((column, i) => {
      writeVector(vectors[i]!, batch.data.children[column]!, this.#row, count);
    });
    this.#row += count;
    return count;
  }

  close(): void {
    this.#batches.return?.();
  }

  /** The batch that has the next row; batches without rows are passed over. */
  #currentBatch(): RecordBatch | undefined {
    while (!this.#batch || this.#row === this.#batch.numRows) {
      const { done, value } = this.#batches.next();
      if (done) return undefined;
      for (const column of this.#projected) this.#checkType(value, column);
      this.#batch = value;
      this.#row = 0;
      const bytes = this.#projected.reduce((sum, column) => sum + value.data.children[column]!.byteLength, 0);
      this.#rowsInChunk = Math.max(1, Math.floor((CHUNK_BYTES * value.numRows) / Math.max(1, bytes)));
    }
    return this.#batch;
  }

  /** Values of another type, written into memory laid out for this one, would take the process down. */
  #checkType(batch: RecordBatch, column: number): void {
    const { name, type } = this.#schema.fields[column]!;
    const found = batch.data.children[column]?.type;
    if (found === type || (found && String(duckdbType(found, name)) === String(duckdbType(type, name))))
      return;
    throw corruptArrow(`column ${name} is ${found ?? 'missing'} in one batch, ${type} in the schema`);
  }
}
