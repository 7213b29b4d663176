import type { RecordBatch, Vector } from 'apache-arrow';
import type { Question } from '../backends/backend.ts';
import type { Engine } from '../duckdb/engine.ts';
import { MappingError } from '../mapping/mapping.ts';
import type { ShardAnswers } from './answers.ts';
import { mapFailure, type RowFailure, readFailure } from './failure.ts';
import { questionHash, shortHash } from './fingerprint.ts';
import type { PlannedFile, Shard } from './plan.ts';

/** Makes one row's question; compiled once for a run. */
export type MapRow = (row: number) => Question | Promise<Question>;

/** A row on its way to the backend. */
export interface Item {
  work: ShardWork;
  /** Row in the shard, from 0. */
  row: number;
  hash: string;
  question: Question;
  /** It is the last row of its window; only where the backend wants windows. */
  endsWindow?: true;
}

/** A row that cannot be asked: it could not be read, or its columns do not make an input. */
export interface Unaskable {
  row: number;
  hash: string;
  failure: RowFailure;
}

/** A row whose files or URLs are being read. */
interface Reading {
  row: number;
  made: Promise<Question | RowFailure>;
}

/** A batch and how far it is read. */
interface BatchRows {
  numbers: ArrayLike<bigint>;
  /** Undefined where every row could be read. */
  errors: Vector | undefined;
  map: MapRow;
  count: number;
  next: number;
}

const nothing: readonly never[] = [];

/** Compiles the mapping for one batch of the file at `path`. */
export type BindMapping = (batch: RecordBatch, path: string) => MapRow;

/** Rows whose files or URLs are read at once: one after the other, a distant server would set the pace of the run. */
const LOOK_AHEAD = 8;

/**
 * A shard in work: which of its rows were read, asked and answered. It is complete when every row that `where` let
 * pass has an answer or an error.
 */
export class ShardWork {
  readonly shard: Shard;
  readonly file: PlannedFile;
  readonly answers: ShardAnswers;
  /** Rows that are asked together or not at all, from a row of the shard on; undefined: each for itself. */
  readonly #windowAt: ((row: number) => number) | undefined;
  /** Rows of the window that is not full yet. */
  #gathered: Item[] = [];
  /** The commit is under way; a shard is committed once. */
  committing = false;
  /** Rows that `where` let pass; known when all are read. */
  #passed: number | undefined;

  /** @param windowAt rows that are asked together or not at all, from a row of the shard on; undefined: each for itself */
  constructor(shard: Shard, file: PlannedFile, answers: ShardAnswers, windowAt?: (row: number) => number) {
    this.#windowAt = windowAt;
    this.shard = shard;
    this.file = file;
    this.answers = answers;
  }

  get complete(): boolean {
    return this.#passed !== undefined && this.answers.settled === this.#passed;
  }

  get filtered(): number {
    return this.shard.selected - (this.#passed ?? this.shard.selected);
  }

  /**
   * Reads the shard and gives the rows that have no answer yet, in pieces that must be read to their end before the next
   * is asked for; those that an earlier run was answered are taken from the journal.
   * @param queries the shard's rows in order, part by part
   */
  async *items(
    engine: Engine,
    queries: readonly string[],
    bind: BindMapping,
    signal: AbortSignal,
  ): AsyncGenerator<Iterable<Item | Unaskable>> {
    const reading: Reading[] = [];
    let passed = 0;
    for await (const batch of streamed(engine, queries, signal)) {
      passed += batch.numRows;
      const errors = batch.getChild('__error')!;
      const rows: BatchRows = {
        // Not value by value: each look into a vector costs as much as to make a bigint.
        numbers: batch.getChild('__row')!.toArray() as BigInt64Array,
        errors: errors.nullCount === batch.numRows ? undefined : errors,
        map: bind(batch, this.file.path),
        count: batch.numRows,
        next: 0,
      };
      while (rows.next < rows.count) {
        yield this.#madeOf(rows, reading);
        if (reading.length < LOOK_AHEAD) continue;
        const first = reading.shift()!;
        yield this.#itemsOf(first.row, await first.made);
      }
    }
    for (const { row, made } of reading) yield this.#itemsOf(row, await made);
    yield this.#unanswered();
    this.#passed = passed;
  }

  /**
   * The next rows of a batch, made while they are taken: to the end, or until so many files or URLs are being read that
   * the first of them is awaited. Promises only where they are: one a row costs as much as the rest of this loop.
   */
  *#madeOf(rows: BatchRows, reading: Reading[]): Generator<Item | Unaskable> {
    while (rows.next < rows.count && reading.length < LOOK_AHEAD) {
      const i = rows.next++;
      const row = Number(rows.numbers[i]) - this.shard.start;
      if (this.answers.recoverCommitted(row)) continue;
      const error = (rows.errors?.get(i) ?? null) as string | null;
      const made = error === null ? makeQuestion(rows.map, i) : readFailure(error);
      if (made instanceof Promise || reading.length > 0) {
        const promise = Promise.resolve(made);
        // What fails while an earlier row is awaited is thrown when its own turn comes.
        promise.catch(() => undefined);
        reading.push({ row, made: promise });
      } else if (this.#windowAt === undefined) {
        const item = this.#itemOf(row, made);
        if (item !== undefined) yield item;
      } else {
        yield* this.#itemsOf(row, made);
      }
    }
  }

  /** A row for itself; undefined where an earlier run was answered. */
  #itemOf(row: number, made: Question | RowFailure): Item | Unaskable | undefined {
    const hash = 'stage' in made ? shortHash(made.message) : questionHash(made);
    if (this.answers.recover(row, hash)) return undefined;
    return 'stage' in made ? { row, hash, failure: made } : { work: this, row, hash, question: made };
  }

  /** What is to be asked now that this row is made: itself, its whole window when that is full, or nothing. */
  #itemsOf(row: number, made: Question | RowFailure): readonly (Item | Unaskable)[] {
    if (this.#windowAt === undefined || 'stage' in made) {
      const item = this.#itemOf(row, made);
      return item === undefined ? nothing : [item];
    }
    this.#gathered.push({ work: this, row, hash: questionHash(made), question: made });
    return this.#gathered.length < this.#windowAt(this.#gathered[0]!.row) ? nothing : this.#unanswered();
  }

  /**
   * The rows of a window, all or none: one that an earlier run answered in part is asked again as a whole, because its
   * rows' answers depend on their company, and a resumed run writes the same bytes as one that was never killed.
   */
  #unanswered(): readonly Item[] {
    const window = this.#gathered;
    this.#gathered = [];
    const last = window.at(-1);
    if (last !== undefined) last.endsWindow = true;
    if (!window.every(({ row, hash }) => this.answers.holds(row, hash))) return window;
    for (const { row, hash } of window) this.answers.recover(row, hash);
    return nothing;
  }
}

async function* streamed(
  engine: Engine,
  queries: readonly string[],
  signal: AbortSignal,
): AsyncGenerator<RecordBatch> {
  for (const sql of queries) yield* engine.stream(sql, { signal, rowWise: true });
}

/** A row's question, or why it has none. */
export function makeQuestion(
  map: MapRow,
  row: number,
): Question | RowFailure | Promise<Question | RowFailure> {
  const failed = (error: unknown): RowFailure => {
    if (error instanceof MappingError) return mapFailure(error.message);
    throw error;
  };
  try {
    const made = map(row);
    return made instanceof Promise ? made.catch(failed) : made;
  } catch (error) {
    return failed(error);
  }
}
