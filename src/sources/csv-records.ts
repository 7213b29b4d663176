import { isUtf8 } from 'node:buffer';
import { BIGINT, VARCHAR } from '@duckdb/node-api';
import type duckdb from '@duckdb/node-bindings';
import { CHUNK_BYTES, type Feed, type FeedColumn, type FeedScan } from '../duckdb/feed.ts';
import type { StoredBytes } from '../storage/storage.ts';
import { CsvScanner, type Dialect } from './csv-scanner.ts';
import { ChunkFiller } from './fill.ts';
import type { FormatContext, OpenFile, RowRange } from './format.ts';
import { openUnchanged } from './open-file.ts';
import { excerpt, notUtf8, type Position } from './text.ts';

/** The shape of a CSV file's records, and where they begin. */
export interface CsvLayout {
  dialect: Dialect;
  /** Fields of a record. */
  width: number;
  /** Where the first row begins, after a header. */
  start: Position;
}

const ROW = 0;
const LINE = 1;
const ERROR = 2;
const FIRST_FIELD = 3;

/** The name of a field in the feed. */
export function fieldName(index: number): string {
  return `f${index}`;
}

/** The records of a CSV file, or of a range of it: `__row, __line, __error` and the text of each field. */
export class RecordFeed implements Feed {
  readonly columns: readonly FeedColumn[];
  readonly #file: OpenFile;
  readonly #context: FormatContext;
  readonly #layout: CsvLayout;
  readonly #range: RowRange | undefined;

  constructor(file: OpenFile, context: FormatContext, layout: CsvLayout, range?: RowRange) {
    this.#file = file;
    this.#context = context;
    this.#layout = layout;
    this.#range = range;
    this.columns = [
      { name: '__row', type: BIGINT },
      { name: '__line', type: BIGINT },
      { name: '__error', type: VARCHAR },
      ...Array.from({ length: layout.width }, (_, i) => ({ name: fieldName(i), type: VARCHAR })),
    ];
  }

  open(projected: readonly number[]): FeedScan {
    return new RecordScan(openUnchanged(this.#file, this.#context), this.#layout, projected, this.#range);
  }
}

class RecordScan implements FeedScan {
  readonly #bytes: StoredBytes;
  readonly #scanner: CsvScanner;
  readonly #width: number;
  readonly #projected: readonly number[];
  readonly #fields: readonly number[];
  #row: number;
  readonly #end: number;

  constructor(
    bytes: StoredBytes,
    layout: CsvLayout,
    projected: readonly number[],
    range: RowRange | undefined,
  ) {
    this.#bytes = bytes;
    this.#projected = projected;
    this.#fields = projected.filter((column) => column >= FIRST_FIELD).map((column) => column - FIRST_FIELD);
    this.#width = layout.width;
    this.#scanner = new CsvScanner(bytes, layout.dialect, range?.mark ?? layout.start);
    this.#row = range?.mark?.row ?? 0;
    this.#end = range ? range.start + range.rows : Number.POSITIVE_INFINITY;
    while (range && this.#row < range.start && this.#scanner.next()) this.#row++;
  }

  next(vectors: readonly duckdb.Vector[], capacity: number): number {
    const chunk = new ChunkFiller(vectors, this.#projected, capacity);
    const scanner = this.#scanner;
    let count = 0;
    let size = 0;
    while (count < capacity && size < CHUNK_BYTES && this.#row < this.#end && scanner.next()) {
      const problem = this.#problem();
      chunk.number(ROW, count, this.#row++);
      chunk.number(LINE, count, scanner.line);
      chunk.text(ERROR, count, problem === undefined ? undefined : Buffer.from(problem));
      for (const index of this.#fields) {
        const field = problem === undefined ? scanner.field(index) : undefined;
        // DuckDB's reader has no empty text either, in quotes or not.
        chunk.text(FIRST_FIELD + index, count, field?.length ? field : undefined);
      }
      size += scanner.end - scanner.start;
      count++;
    }
    chunk.finish();
    return count;
  }

  close(): void {
    this.#bytes.close();
  }

  #problem(): string | undefined {
    const { line, problem, window, start, end } = this.#scanner;
    const record = window.bytes.subarray(start, end);
    if (problem) return `line ${line}: ${problem}: ${excerpt(record)}`;
    if (!isUtf8(record)) return `line ${line}: ${notUtf8(record)}`;
    const { fields } = this.#scanner;
    if (fields === this.#width) return undefined;
    return `line ${line}: ${fields} fields where there should be ${this.#width}: ${excerpt(record)}`;
  }
}
