import type { DuckDBType } from '@duckdb/node-api';
import type duckdb from '@duckdb/node-bindings';

/**
 * Rows that JavaScript hands to DuckDB: the lines of a JSONL file, the records of a CSV file, the batches of an
 * Arrow file, the answers of a journal. In SQL a registered feed is the table function call `feed(id)`.
 *
 * DuckDB pulls: it calls `next` on the JavaScript thread, synchronously, from one scan thread, in order.
 */
export interface Feed {
  readonly columns: readonly FeedColumn[];
  /** A new scan over all rows. `projected` are indexes into `columns`, in the order of the chunk's vectors. */
  open(projected: readonly number[]): FeedScan;
}

/** A pull ends early at so many bytes: 2048 rows of documents or images would not fit into memory. */
export const CHUNK_BYTES = 8 * 1024 * 1024;

export interface FeedColumn {
  name: string;
  type: DuckDBType;
}

export interface FeedScan {
  /** Fills the vectors of the projected columns with the next rows and returns how many; 0 ends the scan. */
  next(vectors: readonly duckdb.Vector[], capacity: number): number;
  /** The query is over, to the end or not: called once, after the last `next`. For open files. */
  close?(): void;
}
