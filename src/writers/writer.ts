import type { Field } from 'apache-arrow';
import type { Engine } from '../duckdb/engine.ts';
import type { Feed } from '../duckdb/feed.ts';

export type Compression = 'zstd' | 'snappy' | 'gzip' | 'none';

/** What goes into one part. */
export interface PartRequest {
  /** The source rows of the part: a relation with `__row` and the columns to keep. Absent where nothing is kept. */
  kept?: {
    sql: string;
    /** In file order: the relation's `name` becomes the output column `as`. */
    columns: readonly { name: string; as: string }[];
  };
  /**
   * The results in row order: `__row` (BIGINT), with `drop` also `__drop` (BOOLEAN), then the
   * result columns under their output names. It has the same rows as `kept`.
   */
  results: Feed;
  /**
   * SQL that brings the feed into that form, where it is in another: in order of arrival, say, or under other names.
   * Default: the feed as it is.
   */
  arrange?: (feed: string) => string;
  /** Rows whose `__drop` is true are left out. */
  drop?: boolean;
  /** Names of the output columns in order: those of `kept`, then those of `results`. */
  columns: readonly string[];
  /** A file to create, or to write anew. The caller syncs, verifies and renames it. */
  path: string;
  compression: Compression;
}

export interface Written {
  rows: number;
  bytes: number;
}

/**
 * Writes parts of one format. The same request gives the same bytes. A write that fails leaves no file behind; it
 * rejects with the error of the feed, or with the reason of the operating system.
 */
export interface Writer {
  /** What follows the dot in a part's name: `parquet`, `jsonl.gz`. */
  extension(compression: Compression): string;
  write(engine: Engine, request: PartRequest): Promise<Written>;
  /**
   * Reads a part back and returns how many rows it has.
   * @throws {Error} for a file that is not whole
   */
  verify(engine: Engine, path: string, compression: Compression): Promise<number>;
  /**
   * The rows of a part that `write` made, in order, with these columns as the plain values that `buildBatch` takes.
   * What the format could not hold (NaN in JSON) comes back as it would be written again.
   */
  read(engine: Engine, part: PartContent): AsyncGenerator<Record<string, unknown>, void, undefined>;
}

/** What is read of a part. */
export interface PartContent {
  path: string;
  compression: Compression;
  /** The columns under the names that they have in the part. */
  columns: readonly Field[];
}
