import { isUtf8 } from 'node:buffer';
import { BIGINT, VARCHAR } from '@duckdb/node-api';
import type duckdb from '@duckdb/node-bindings';
import { CHUNK_BYTES, type Feed, type FeedScan } from '../duckdb/feed.ts';
import type { Column } from '../duckdb/types.ts';
import { countRecords } from './count.ts';
import { ChunkFiller } from './fill.ts';
import type { FileFacts, FileReader, Format, FormatContext, OpenFile, Relation, RowRange } from './format.ts';
import { LineScanner, MAX_RECORD_BYTES } from './line-scanner.ts';
import { openUnchanged, withBytes } from './open-file.ts';
import { notUtf8 } from './text.ts';

/** Each line of a text is a row, blank ones too; `where: text <> ''` leaves these out. */
export const text: Format = {
  name: 'text',
  open: async (file, context) => new TextReader(file, context),
};

const COLUMNS: readonly Column[] = [{ name: 'text', type: VARCHAR }];

class TextReader implements FileReader {
  readonly columns = COLUMNS;
  readonly #file: OpenFile;
  readonly #context: FormatContext;

  constructor(file: OpenFile, context: FormatContext) {
    this.#file = file;
    this.#context = context;
  }

  async facts(every: number): Promise<FileFacts> {
    return withBytes(this.#file, this.#context, (bytes) => countRecords(everyLine(bytes), every));
  }

  relation(range: RowRange, columns: readonly Column[]): Relation {
    const lines = this.#context.engine.register(new TextFeed(this.#file, this.#context, range));
    return {
      sql: `SELECT __row, __error${columns.map(() => ', text').join('')} FROM ${lines.sql}`,
      [Symbol.dispose]: () => lines[Symbol.dispose](),
    };
  }
}

function everyLine(...[bytes, from]: ConstructorParameters<typeof LineScanner>): LineScanner {
  return new LineScanner(bytes, from, MAX_RECORD_BYTES, 'every line');
}

const ROW = 0;
const ERROR = 1;
const TEXT = 2;

/** The lines of a range. */
class TextFeed implements Feed {
  readonly columns = [
    { name: '__row', type: BIGINT },
    { name: '__error', type: VARCHAR },
    { name: 'text', type: VARCHAR },
  ];
  readonly #file: OpenFile;
  readonly #context: FormatContext;
  readonly #range: RowRange;

  constructor(file: OpenFile, context: FormatContext, range: RowRange) {
    this.#file = file;
    this.#context = context;
    this.#range = range;
  }

  open(projected: readonly number[]): FeedScan {
    const { start, rows, mark } = this.#range;
    const bytes = openUnchanged(this.#file, this.#context);
    const scanner = everyLine(bytes, mark);
    let row = mark?.row ?? 0;
    while (row < start && scanner.next()) row++;
    const next = (vectors: readonly duckdb.Vector[], capacity: number): number => {
      const chunk = new ChunkFiller(vectors, projected, capacity);
      let [count, size] = [0, 0];
      while (count < capacity && size < CHUNK_BYTES && row < start + rows && scanner.next()) {
        const line = scanner.window.bytes.subarray(scanner.start, scanner.end);
        const problem = problemOf(scanner, line);
        chunk.number(ROW, count, row++);
        chunk.text(ERROR, count, problem === undefined ? undefined : Buffer.from(problem));
        chunk.text(TEXT, count, problem === undefined ? line : undefined);
        size += line.length;
        count++;
      }
      chunk.finish();
      return count;
    };
    return { next, close: () => bytes.close() };
  }
}

function problemOf({ line: number, tooLong }: LineScanner, line: Buffer): string | undefined {
  if (tooLong) return `line ${number}: longer than ${MAX_RECORD_BYTES} bytes`;
  return isUtf8(line) ? undefined : `line ${number}: ${notUtf8(line)}`;
}
