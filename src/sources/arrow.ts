import { BIGINT } from '@duckdb/node-api';
import duckdb from '@duckdb/node-bindings';
import { type RecordBatch, RecordBatchReader, type Schema } from 'apache-arrow';
import type { Feed, FeedScan } from '../duckdb/feed.ts';
import { arrowFeed } from '../duckdb/from-arrow.ts';
import { quoteIdentifier } from '../duckdb/quote.ts';
import type { Column } from '../duckdb/types.ts';
import { messageOf, SluiceError } from '../errors.ts';
import type { StoredBytes } from '../storage/storage.ts';
import {
  type ArrowIndex,
  type ArrowMessage,
  FILE_MAGIC,
  indexFile,
  indexStream,
  readBytes,
} from './arrow-index.ts';
import type { FileFacts, FileReader, Format, FormatContext, OpenFile, Relation, RowRange } from './format.ts';
import { openUnchanged, unreadable, withBytes } from './open-file.ts';
import { sameType, sqlType } from './types.ts';

/** Arrow IPC, files and streams; which of the two is told by the file itself. */
export const arrow: Format = {
  name: 'arrow',
  async open(file, context) {
    try {
      return await withBytes(file, context, (bytes) => {
        const isFile = readBytes(bytes, 0, Math.min(bytes.size, FILE_MAGIC.length)).toString() === FILE_MAGIC;
        const index = isFile ? indexFile(bytes) : indexStream(bytes);
        const reader = RecordBatchReader.from(index.schema).open();
        return new ArrowFileReader(file, context, index, reader.schema);
      });
    } catch (error) {
      throw corruptArrowFile(file, error);
    }
  },
};

class ArrowFileReader implements FileReader {
  readonly columns: readonly Column[];
  readonly #file: OpenFile;
  readonly #context: FormatContext;
  readonly #index: ArrowIndex;
  readonly #schema: Schema;

  constructor(file: OpenFile, context: FormatContext, index: ArrowIndex, schema: Schema) {
    this.#file = file;
    this.#context = context;
    this.#index = index;
    this.#schema = schema;
    this.columns = arrowFeed(schema, []).columns;
  }

  async facts(): Promise<FileFacts> {
    return { rows: this.#index.rows, marks: [] };
  }

  relation(range: RowRange, columns: readonly Column[]): Relation {
    const batches = {
      [Symbol.iterator]: () => batchesOf(this.#file, this.#context, this.#index, range),
    };
    const feed = new NumberedFeed(this.#file, arrowFeed(this.#schema, batches), range.start);
    const rows = this.#context.engine.register(feed);
    const values = columns.map(({ name, type }) => {
      const identifier = quoteIdentifier(name);
      const own = this.columns.find((column) => column.name === name);
      const isOwn = own !== undefined && sameType(own.type, type);
      return isOwn ? `, ${identifier}` : `, CAST(${identifier} AS ${sqlType(type)}) AS ${identifier}`;
    });
    return {
      sql: `SELECT ${ROW} AS __row, NULL::VARCHAR AS __error${values.join('')} FROM ${rows.sql}`,
      [Symbol.dispose]: () => rows[Symbol.dispose](),
    };
  }
}

/** The name of the row number in the feed: a name that no column of a dataset has. */
const ROW = '__row';

/** A feed with the number of each row before its columns. */
class NumberedFeed implements Feed {
  readonly columns: Feed['columns'];
  readonly #file: OpenFile;
  readonly #inner: Feed;
  readonly #first: number;

  constructor(file: OpenFile, inner: Feed, first: number) {
    this.#file = file;
    this.#inner = inner;
    this.#first = first;
    this.columns = [{ name: ROW, type: BIGINT }, ...inner.columns];
  }

  open(projected: readonly number[]): FeedScan {
    const inner = this.#inner.open(projected.filter((column) => column > 0).map((column) => column - 1));
    let row = BigInt(this.#first);
    return {
      next: (vectors, capacity) => {
        const count = this.#guarded(() =>
          inner.next(
            vectors.filter((_, i) => projected[i]! > 0),
            capacity,
          ),
        );
        projected.forEach((column, i) => {
          if (column > 0) return;
          const numbers = BigInt64Array.from({ length: count }, (_, k) => row + BigInt(k));
          duckdb.copy_data_to_vector(vectors[i]!, 0, numbers.buffer, 0, numbers.byteLength);
        });
        row += BigInt(count);
        return count;
      },
      close: () => inner.close?.(),
    };
  }

  #guarded<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw corruptArrowFile(this.#file, error);
    }
  }
}

/** The batches of a range of rows, those at its ends cut to it. Only they and their dictionaries are read. */
function* batchesOf(
  file: OpenFile,
  context: FormatContext,
  index: ArrowIndex,
  { start, rows }: RowRange,
): Generator<RecordBatch> {
  const end = start + rows;
  const wanted = index.batches.filter((batch) => batch.start < end && batch.start + batch.rows > start);
  if (wanted.length === 0) return;
  const bytes = openUnchanged(file, context);
  try {
    let at = 0;
    for (const batch of RecordBatchReader.from(messagesFor(bytes, index, wanted))) {
      const { start: first, rows: count } = wanted[at++]!;
      if (batch.numRows !== count)
        throw new RangeError(`${batch.numRows} rows where there should be ${count}`);
      const from = Math.max(start - first, 0);
      const to = Math.min(end - first, count);
      yield from === 0 && to === count ? batch : batch.slice(from, to);
    }
  } finally {
    bytes.close();
  }
}

/** A stream of the schema, the dictionaries that count for these batches, and the batches, in an order that is sound. */
function* messagesFor(
  bytes: StoredBytes,
  index: ArrowIndex,
  batches: ArrowIndex['batches'],
): Generator<Buffer> {
  const read = ({ offset, length }: ArrowMessage) => readBytes(bytes, offset, length);
  yield index.schema;
  let dictionaries = 0;
  for (const batch of batches) {
    while (dictionaries < batch.dictionaries) yield read(index.dictionaries[dictionaries++]!);
    yield read(batch);
  }
}

function corruptArrowFile(file: OpenFile, error: unknown): unknown {
  if (error instanceof SluiceError && error.message.includes(file.path)) return error;
  const next = error instanceof SluiceError ? error.next : undefined;
  const advice = next ?? 'Write the file again, or leave it out of source.path.';
  // What apache-arrow stumbles over where something is missing says nothing to a user.
  const reason = error instanceof TypeError ? 'its metadata are damaged' : messageOf(error);
  return unreadable(file, reason, advice, error);
}
