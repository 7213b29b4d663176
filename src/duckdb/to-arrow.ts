import duckdb from '@duckdb/node-bindings';
import { makeData, RecordBatch, type Schema, Struct } from 'apache-arrow';
import type { Column as Collector } from './column.ts';
import { columnFor } from './columns.ts';
import { arrowSchema, type Column } from './types.ts';

/**
 * Collects chunks of a DuckDB result into Arrow record batches. Everything is copied, in bulk wherever both sides lay
 * values out alike, because DuckDB uses the memory of a chunk again.
 */
export class BatchCollector {
  readonly schema: Schema;
  readonly #columns: Collector[];
  #rows = 0;

  /** @param columns the result's columns; their types all have an Arrow type */
  constructor(columns: readonly Column[]) {
    this.schema = arrowSchema(columns);
    this.#columns = columns.map((column, i) => columnFor(column.type, this.schema.fields[i]!.type));
  }

  /** Rows appended since the last `take`. */
  get rows(): number {
    return this.#rows;
  }

  append(chunk: duckdb.DataChunk): void {
    const count = duckdb.data_chunk_get_size(chunk);
    this.#columns.forEach((column, i) => {
      column.append(duckdb.data_chunk_get_vector(chunk, i), [{ from: 0, count }]);
    });
    this.#rows += count;
  }

  /** The rows since the last `take` as a batch. */
  take(): RecordBatch {
    const children = this.#columns.map((column) => column.take());
    const type = new Struct(this.schema.fields);
    const data = makeData({ type, length: this.#rows, nullCount: 0, children });
    this.#rows = 0;
    return new RecordBatch(this.schema, data);
  }
}
