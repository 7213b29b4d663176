import { Bool, Field, makeData, RecordBatch, Schema, Struct } from 'apache-arrow';
import { BatchBuilder, buildBatch } from '../arrow/build.ts';
import { BoolBuilder } from '../arrow/build-values.ts';
import { decodeBatch, encodeBatch } from '../arrow/ipc.ts';
import { cell } from '../arrow/rows.ts';
import type { Feed } from '../duckdb/feed.ts';
import { arrowFeed } from '../duckdb/from-arrow.ts';
import type { ResultRow } from '../tasks/task.ts';
import { type DeadLetter, errorText, type RowFailure } from './failure.ts';
import { JournalFile, readFrame } from './journal.ts';
import type { ResultShape } from './result-shape.ts';

/** One row's answer on its way into the journal. */
export interface Entry {
  /** Row in the shard, from 0. */
  row: number;
  hash: string;
  attempts: number;
  outcome: { result: ResultRow } | { failure: RowFailure };
}

/** Whose answers they are, and which of an earlier run's still count. */
export interface ShardRows {
  /** Source file, its row that is the shard's first, and how many there are. */
  file: string;
  start: number;
  rows: number;
  /** Hash under which a journal holds answers that were taken from a committed part. */
  committed: string;
  /** Failed rows for which an earlier run's error is not taken over; none by default. */
  askAgain?: (failure: RowFailure) => boolean;
}

/** What an earlier run left for a row. */
interface Recovered {
  hash: string;
  sequence: number;
  failure?: DeadLetter;
}

/** Rows and time after which buffered answers are written and synced; together they bound what a kill can cost. */
export const groupRows = 2048;
const groupMs = 50;

/**
 * The answers of one shard: journaled in groups as they come, found again after a kill, read back at commit.
 *
 * An answer counts as kept only when its group is on the disk. Groups do not overlap: while one is being synced the
 * next one fills, and `append` makes its caller wait when that one is full too, so that no more than two groups are
 * ever at stake.
 */
export class ShardAnswers {
  readonly #path: string;
  readonly #file: JournalFile;
  readonly #shape: ResultShape;
  /** Where each frame lies in the file, and the sequence number of its first entry. */
  readonly #frames: { offset: number; length: number; first: number }[] = [];
  /** Sequence number + 1 of the entry that holds for each row; 0: none yet. The truth of what is answered. */
  readonly #live: Int32Array;
  readonly #recovered = new Map<number, Recovered>();
  readonly #failures = new Map<number, DeadLetter>();
  readonly #source: ShardRows;
  /**
   * Entries that are not written yet, in order. One group; two where an answer told the length of an embedding while
   * the group was filling.
   */
  #groups: BatchBuilder[] = [];
  /** Entries appended so far. */
  #sequence = 0;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> | undefined;
  #error: unknown;
  succeeded = 0;

  private constructor(path: string, file: JournalFile, shape: ResultShape, shard: ShardRows) {
    this.#path = path;
    this.#file = file;
    this.#shape = shape;
    this.#live = new Int32Array(shard.rows);
    this.#source = shard;
  }

  /**
   * Opens the journal of a shard and finds again what it holds.
   * @returns the answers, and how many bytes of a torn tail were cut off
   */
  static async open(
    path: string,
    shape: ResultShape,
    shard: ShardRows,
  ): Promise<{ answers: ShardAnswers; tornBytes: number }> {
    const { file, content } = await JournalFile.open(path);
    const answers = new ShardAnswers(path, file, shape, shard);
    for (const { offset, length, payload } of content.frames) answers.#recoverFrame(offset, length, payload);
    return { answers, tornBytes: content.tornBytes };
  }

  get failed(): number {
    return this.#failures.size;
  }

  get settled(): number {
    return this.succeeded + this.failed;
  }

  /** Rows for which an earlier run left something, asked the same way or not. */
  get recoverable(): number {
    return this.#recovered.size;
  }

  /** Whether an earlier run left an answer to this question for this row that is to be kept. */
  holds(row: number, hash: string): boolean {
    const found = this.#recovered.get(row);
    if (found === undefined || found.hash !== hash) return false;
    return found.failure === undefined || this.#source.askAgain?.(found.failure) !== true;
  }

  /** Takes over the earlier run's answer for this row, if it was to the same question. */
  recover(row: number, hash: string): boolean {
    const found = this.#recovered.get(row);
    if (found === undefined || !this.holds(row, hash)) return false;
    this.#recovered.delete(row);
    this.#live[row] = found.sequence + 1;
    if (found.failure === undefined) this.succeeded++;
    else this.#failures.set(row, found.failure);
    return true;
  }

  /** Takes over what a committed part held for this row; the question need not be made. */
  recoverCommitted(row: number): boolean {
    return this.recover(row, this.#source.committed);
  }

  /** Takes an answer. A returned promise is back-pressure: nothing more should be asked before it resolves. */
  append(entry: Entry): Promise<void> | undefined {
    if (this.#error !== undefined) throw this.#error;
    if (this.#live[entry.row] !== 0) throw new Error(`row ${entry.row} of the shard was answered twice`);
    this.#live[entry.row] = ++this.#sequence;
    if ('failure' in entry.outcome) this.#failures.set(entry.row, this.#letter(entry, entry.outcome.failure));
    else this.succeeded++;
    const group = this.#group();
    group.append(this.#record(entry));
    if (group.length < groupRows) {
      this.#timer ??= setTimeout(() => this.#start(), groupMs);
      return undefined;
    }
    if (this.#writing !== undefined) return this.#writing;
    this.#start();
    return undefined;
  }

  /** Resolves when everything that was appended is on the disk. @throws whatever the disk said */
  async flush(): Promise<void> {
    while (this.#writing !== undefined || this.#groups.length > 0) {
      if (this.#error !== undefined) throw this.#error;
      if (this.#writing === undefined) this.#start();
      await this.#writing;
    }
    if (this.#error !== undefined) throw this.#error;
  }

  /**
   * Everything in the journal as a feed, in the order it was answered, with one more column: `__live` is true for the
   * entry that holds for its row. Read from the disk again, frame by frame.
   */
  feed(): Feed {
    const schema = new Schema([...this.#shape.schema.fields, new Field('__live', new Bool(), false)]);
    return arrowFeed(schema, { [Symbol.iterator]: () => this.#batches(schema) });
  }

  *#batches(schema: Schema): Generator<RecordBatch> {
    for (const { offset, length, first } of this.#frames) {
      let batch = decodeBatch(readFrame(this.#path, offset, length));
      if (String(batch.schema) !== String(this.#shape.schema)) batch = recast(batch, this.#shape);
      const rows = batch.getChild('__row')!.toArray() as Int32Array;
      const live = new BoolBuilder(new Bool(), '__live');
      for (let i = 0; i < rows.length; i++) live.append(this.#live[rows[i]!] === first + i + 1);
      yield new RecordBatch(
        schema,
        makeData({
          type: new Struct(schema.fields),
          length: batch.numRows,
          children: [...batch.data.children, live.finish()],
        }),
      );
    }
  }

  /** The failed rows, in row order. */
  deadLetters(): DeadLetter[] {
    return [...this.#failures.entries()].sort(([a], [b]) => a - b).map(([, letter]) => letter);
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#writing;
    await this.#file.close();
  }

  #start(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#writing !== undefined || this.#groups.length === 0) return;
    const groups = this.#groups;
    this.#groups = [];
    this.#writing = this.#write(groups, this.#sequence - rowsIn(groups))
      .catch((error: unknown) => {
        this.#error ??= error;
      })
      .finally(() => {
        this.#writing = undefined;
        if (this.#groups.length > 0 && this.#error === undefined)
          this.#timer ??= setTimeout(() => this.#start(), 0);
      });
  }

  /** The group that takes the next entry; its schema is what is known of the columns now. */
  #group(): BatchBuilder {
    const { schema } = this.#shape;
    let group = this.#groups.at(-1);
    if (group === undefined || group.schema !== schema) {
      group = new BatchBuilder(schema);
      this.#groups.push(group);
    }
    return group;
  }

  /** @param first sequence number of the groups' first entry */
  async #write(groups: readonly BatchBuilder[], first: number): Promise<void> {
    let next = first;
    for (const group of groups) {
      const { offset, length } = await this.#file.append(encodeBatch(group.finish()));
      this.#frames.push({ offset, length, first: next });
      next += group.length;
    }
  }

  #record({ row, hash, attempts, outcome }: Entry): Record<string, unknown> {
    const head = { __row: row, __hash: hash, __attempts: attempts };
    if ('result' in outcome) return Object.assign(head, outcome.result);
    const letter = this.#failures.get(row);
    return { ...head, __failure: JSON.stringify(letter), error: errorText(outcome.failure) };
  }

  #letter(entry: Entry, failure: RowFailure): DeadLetter {
    return { file: this.#source.file, row: this.#source.start + entry.row, hash: entry.hash, ...failure };
  }

  #recoverFrame(offset: number, length: number, payload: Uint8Array): void {
    const batch = decodeBatch(payload);
    this.#shape.learnSchema(batch.schema);
    const [rows, hashes, failures] = ['__row', '__hash', '__failure'].map((name) => batch.getChild(name)!);
    for (let i = 0; i < batch.numRows; i++) {
      const row = Number(rows!.get(i));
      const failure = failures!.get(i) as string | null;
      // A later entry for a row replaces an earlier one: it was asked again because the question had changed.
      this.#recovered.set(row, {
        hash: hashes!.get(i) as string,
        sequence: this.#sequence + i,
        ...(failure === null ? {} : { failure: JSON.parse(failure) as DeadLetter }),
      });
    }
    this.#frames.push({ offset, length, first: this.#sequence });
    this.#sequence += batch.numRows;
  }
}

function rowsIn(groups: readonly BatchBuilder[]): number {
  return groups.reduce((rows, group) => rows + group.length, 0);
}

/** A batch that was written before a vector's length was known, with the types known since. */
function recast(batch: RecordBatch, shape: ResultShape): RecordBatch {
  const columns = batch.schema.fields.map((field, index) => ({
    name: field.name,
    vector: batch.getChildAt(index)!,
  }));
  const rows = Array.from({ length: batch.numRows }, (_, i) =>
    Object.fromEntries(columns.map(({ name, vector }) => [name, cell(vector, i)])),
  );
  return buildBatch(shape.schema, rows);
}
