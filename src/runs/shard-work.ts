import type { RecordBatch } from 'apache-arrow';
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

/** Compiles the mapping for one batch of the file at `path`. */
export type BindMapping = (batch: RecordBatch, path: string) => MapRow;

/**
 * A shard in work: which of its rows were read, asked and answered. It is complete when every row that `where` let
 * pass has an answer or an error.
 */
export class ShardWork {
  readonly shard: Shard;
  readonly file: PlannedFile;
  readonly answers: ShardAnswers;
  /** The commit is under way; a shard is committed once. */
  committing = false;
  /** Rows that `where` let pass; known when all are read. */
  #passed: number | undefined;

  constructor(shard: Shard, file: PlannedFile, answers: ShardAnswers) {
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
   * Reads the shard and yields the rows that have no answer yet; those that an earlier run was answered are taken from
   * the journal.
   * @param window rows that are asked together or not at all; undefined: each for itself
   */
  async *items(
    engine: Engine,
    relation: { sql: string },
    bind: BindMapping,
    signal: AbortSignal,
    window: number | undefined,
  ): AsyncGenerator<Item | Unaskable> {
    let passed = 0;
    let open: Item[] = [];
    for await (const batch of engine.stream(relation.sql, { signal })) {
      const rows = batch.getChild('__row')!;
      const errors = batch.getChild('__error')!;
      const map = bind(batch, this.file.path);
      for (let i = 0; i < batch.numRows; i++) {
        const row = Number(rows.get(i)) - this.shard.start;
        passed++;
        const error = errors.get(i) as string | null;
        const asked = error === null ? makeQuestion(map, i) : readFailure(error);
        // Awaited only where a file had to be read: a promise a row costs as much as the rest of this loop.
        const made = asked instanceof Promise ? await asked : asked;
        const hash = 'stage' in made ? shortHash(made.message) : questionHash(made);
        if (!('stage' in made) && window !== undefined) {
          open.push({ work: this, row, hash, question: made });
          if (open.length < window) continue;
          yield* this.#unanswered(open);
          open = [];
        } else if (!this.answers.recover(row, hash))
          yield 'stage' in made ? { row, hash, failure: made } : { work: this, row, hash, question: made };
      }
    }
    yield* this.#unanswered(open);
    this.#passed = passed;
  }

  /**
   * The rows of a window, all or none: one that an earlier run answered in part is asked again as a whole, because its
   * rows' answers depend on their company, and a resumed run writes the same bytes as one that was never killed.
   */
  *#unanswered(window: readonly Item[]): Generator<Item> {
    if (window.every(({ row, hash }) => this.answers.holds(row, hash))) {
      for (const { row, hash } of window) this.answers.recover(row, hash);
      return;
    }
    for (const [i, item] of window.entries())
      yield i === window.length - 1 ? { ...item, endsWindow: true } : item;
  }
}

function makeQuestion(map: MapRow, row: number): Question | RowFailure | Promise<Question | RowFailure> {
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
