import type { Engine } from '../duckdb/engine.ts';
import type { Column } from '../duckdb/types.ts';
import type { Scratch } from '../storage/scratch.ts';
import type { Storage, StoredFile } from '../storage/storage.ts';

/** The formats that a source can have. */
export type SourceFormat = 'parquet' | 'arrow' | 'jsonl' | 'csv' | 'tsv' | 'text' | 'files';

export type PartitionValue = string | null;

/** One file of a dataset; of the format `files`, one folder. */
export interface SourceFile {
  /** `/`-separated; relative to the working directory where the user gave it so. */
  path: string;
  /** Bytes, as stored. */
  size: number;
  /** Last change, whole milliseconds since 1970. */
  modifiedMs: number;
  format: SourceFormat;
  /** The `name=value` folders of its path, values decoded; null for Hive's name of null. */
  partitions: readonly { name: string; value: PartitionValue }[];
  /** The files of a folder, in the order of its rows. `size` is then their sum and `modifiedMs` the latest. */
  members?: StoredFile[];
}

/** A row of a text file at which a reader can start. */
export interface Mark {
  /** The row's number in its file, from 0. */
  row: number;
  /** Bytes from the beginning of the (decompressed) text. */
  offset: number;
  /** Number of the line that begins there, from 1. */
  line: number;
}

export interface FileFacts {
  rows: number;
  /** For text, the place of each row `k * every`. Empty for Parquet and Arrow, which find a row by themselves. */
  marks: readonly Mark[];
}

/** Consecutive rows of one file. */
export interface RowRange {
  /** Number of the first row in its file, from 0. */
  start: number;
  rows: number;
  /** The last mark at or before `start`; without it a text file is read from its beginning. */
  mark?: Mark;
}

/** SQL that yields rows, until it is disposed of. */
export interface Relation {
  readonly sql: string;
  [Symbol.dispose](): void;
}

/** A file whose bytes are ready to be read: local, decompressed, and text in UTF-8. */
export interface OpenFile {
  /** What the user knows the file as; for messages. */
  path: string;
  /** Where its bytes are; another path when the file had to be decompressed. */
  local: string;
  /** Bytes of `local`. */
  size: number;
  /** The files of a folder. */
  members?: readonly StoredFile[];
}

export interface FormatContext {
  engine: Engine;
  storage: Storage;
  /** For decompressed files and for samples. */
  scratch: Scratch;
}

/** How one format is read. One file each. */
export interface Format {
  readonly name: SourceFormat;
  /**
   * Looks into a file far enough to know its columns.
   * @throws {SluiceError} when it is not what its name says, or corrupt; with its path and the reason
   */
  open(file: OpenFile, context: FormatContext): Promise<FileReader>;
}

/** One opened file. */
export interface FileReader {
  readonly columns: readonly Column[];
  /** Counts the rows. `every`: how many rows apart the marks are. */
  facts(every: number): Promise<FileFacts>;
  /**
   * `__row`, `__error` and the given columns (a choice of `columns`, perhaps of wider types) of a range, in file
   * order. The columns of a row with an error are null.
   */
  relation(range: RowRange, columns: readonly Column[]): Relation;
  /**
   * The first rows of the parts of a range that are to be read by a query each, as else wide rows would be read ahead
   * by the thousand. Absent where the rows come from a feed, which a stream reads in pieces by itself.
   */
  cuts?(range: RowRange): Promise<readonly number[]>;
}
