import { BIGINT, VARCHAR } from '@duckdb/node-api';
import type duckdb from '@duckdb/node-bindings';
import { CHUNK_BYTES, type Feed, type FeedScan } from '../duckdb/feed.ts';
import type { StoredBytes } from '../storage/storage.ts';
import { ChunkFiller } from './fill.ts';
import type { FormatContext, OpenFile, RowRange } from './format.ts';
import { isPlain, lineProblem, mayHaveBigIntegers } from './json-line.ts';
import { LineScanner, MAX_RECORD_BYTES } from './line-scanner.ts';
import { openUnchanged } from './open-file.ts';

const ROW = 0;
const LINE = 1;
const ERROR = 2;
const TEXT = 3;

const LF = 10;

/**
 * The lines of a JSONL file, or of a range of it: `__row, __line, __error, __text`. A line that must not reach
 * DuckDB's JSON reader has an error and no text.
 */
export class LineFeed implements Feed {
  readonly columns = [
    { name: '__row', type: BIGINT },
    { name: '__line', type: BIGINT },
    { name: '__error', type: VARCHAR },
    { name: '__text', type: VARCHAR },
  ];
  /** Whether a scan came across an integer that may not fit BIGINT. Only looked for when all lines are scanned. */
  sawBigInteger = false;
  readonly #file: OpenFile;
  readonly #context: FormatContext;
  readonly #range: RowRange | undefined;

  constructor(file: OpenFile, context: FormatContext, range?: RowRange) {
    this.#file = file;
    this.#context = context;
    this.#range = range;
  }

  open(projected: readonly number[]): FeedScan {
    const bytes = openUnchanged(this.#file, this.#context);
    const onLines = (lines: Buffer) => {
      this.sawBigInteger ||= mayHaveBigIntegers(lines);
    };
    return new LineScan(bytes, projected, this.#range, this.#range ? undefined : onLines);
  }
}

class LineScan implements FeedScan {
  readonly #bytes: StoredBytes;
  readonly #scanner: LineScanner;
  readonly #projected: readonly number[];
  readonly #onLines: ((lines: Buffer) => void) | undefined;
  /** Number of the next row, and of the first that is not wanted any more. */
  #row: number;
  readonly #end: number;
  /** The bytes that the scanner's window had when `#plainEnd` was found out. */
  #seen: Buffer | undefined;
  /** Index up to which the window is known to be plain. */
  #plainEnd = 0;

  constructor(
    bytes: StoredBytes,
    projected: readonly number[],
    range: RowRange | undefined,
    onLines: ((lines: Buffer) => void) | undefined,
  ) {
    this.#bytes = bytes;
    this.#projected = projected;
    this.#onLines = onLines;
    this.#scanner = new LineScanner(bytes, range?.mark);
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
      const line = scanner.window.bytes.subarray(scanner.start, scanner.end);
      const problem = this.#problem(line);
      chunk.number(ROW, count, this.#row++);
      chunk.number(LINE, count, scanner.line);
      chunk.text(ERROR, count, problem === undefined ? undefined : Buffer.from(problem));
      chunk.text(TEXT, count, problem === undefined ? line : undefined);
      size += line.length;
      count++;
    }
    chunk.finish();
    return count;
  }

  close(): void {
    this.#bytes.close();
  }

  #problem(line: Buffer): string | undefined {
    const { line: number, tooLong, window, start, end } = this.#scanner;
    if (tooLong) return `line ${number}: longer than ${MAX_RECORD_BYTES} bytes`;
    if (window.bytes !== this.#seen) this.#look(window.bytes, start, end);
    const problem = lineProblem(line, end <= this.#plainEnd);
    return problem && `line ${number}: ${problem}`;
  }

  /** Looks at all whole lines of a new window at once. */
  #look(bytes: Buffer, start: number, end: number): void {
    this.#seen = bytes;
    const lines = bytes.subarray(start, Math.max(end, bytes.lastIndexOf(LF)));
    this.#onLines?.(lines);
    this.#plainEnd = isPlain(lines) ? start + lines.length : 0;
  }
}
