import type { Backend, CallOptions } from '../backends/backend.ts';
import type { Engine } from '../duckdb/engine.ts';
import type { Clock } from '../scheduler/clock.ts';
import { Scheduler } from '../scheduler/scheduler.ts';
import type { AttemptOutcome, Ending, SchedulerEvent, Settled, Snapshot } from '../scheduler/types.ts';
import type { ResultRow } from '../tasks/task.ts';
import { type Entry, ShardAnswers, type ShardRows } from './answers.ts';
import { ask } from './ask.ts';
import { type CommitContext, type CommitRecord, commitShard } from './commit.ts';
import { callFailure, type RowFailure } from './failure.ts';
import { ownCopy } from './journal.ts';
import type { Layout } from './layout.ts';
import { allowedFailures, assertBalanced, type Ledger } from './ledger.ts';
import { modelSha256 } from './model-files.ts';
import { committedHash, type Plan, type Shard } from './plan.ts';
import { type Prepared, shardFile, shardRelation } from './prepare.ts';
import { ResultShape } from './result-shape.ts';
import { isChosen, type RetrySelection } from './retry.ts';
import { diskError, sourceChanged } from './run-errors.ts';
import { schedulingOf } from './scheduling.ts';
import { type Item, ShardWork, type Unaskable } from './shard-work.ts';
import { saveDimensions } from './start.ts';
import { ledgerOf } from './state.ts';
import type { Windows } from './windows.ts';

/**
 * Shards in work at a time: the next one is read while the last rows of this one are in flight, and the one before may
 * still be committing. Small shards are let in until there are as many rows in work as three of the usual size have:
 * a row that waits for its retry would otherwise hold up the few hundred behind it. Bounds memory, and open files,
 * together with `limits.concurrency`.
 */
const openShards = { usual: 3, rows: 30_000, most: 64 };

export type RunEvent =
  | SchedulerEvent
  | { type: 'shard-started'; shard: number; recovered: number; tornBytes: number }
  | { type: 'shard-committed'; record: CommitRecord }
  | { type: 'row-failed'; file: string; row: number; failure: RowFailure };

export interface RunContext {
  prepared: Prepared;
  /** With the shards that this run is to do; those of other processes are left out. */
  plan: Plan;
  records: Map<number, CommitRecord>;
  layout: Layout;
  engine: Engine;
  backend: Backend;
  /** Of the whole plan: which process asks a row must not change its company. Undefined for a server. */
  windows?: Windows;
  clock: Clock;
  random: () => number;
  /** Called before each shard and each commit; throws RUN_LOCKED when the output is no longer this run's alone. */
  confirm: () => Promise<void>;
  /** Somebody who was locked out may have journals open, and write to them once more. */
  mayReturn: boolean;
  /** Failed rows that are asked again, and the shards that are worked on; without it none, and all. */
  retry?: RetrySelection;
  onEvent: (event: RunEvent) => void;
}

/** Why a run ended, before it is turned into words and an exit code. */
export type RunEnding =
  | Ending
  /** All that was wanted is done; other shards are pending. */
  | { kind: 'shards-left'; shards: number }
  | { kind: 'too-many-failures'; failed: number; allowed: number }
  /** `errors.on_row_error: fail`. */
  | { kind: 'row-failed'; file: string; row: number; failure: RowFailure }
  | { kind: 'error'; error: unknown };

/** How far a run is, for progress and reports. */
export interface RunStats extends Snapshot {
  ledger: Ledger;
  /** Rows of shards in work that have their answer or error already. */
  answered: number;
}

/**
 * One run over one plan: reads the shards that are not committed, asks what is not journaled, journals every answer and
 * commits every shard that is complete. Holds no state that is not on the disk or about to be.
 */
export class Run {
  readonly #context: RunContext;
  readonly #shape: ResultShape;
  readonly #scheduler: Scheduler<Item, ResultRow>;
  readonly #commit: CommitContext;
  readonly #open = new Set<ShardWork>();
  readonly #reading = new AbortController();
  /** The ledger of the committed shards and the rest as pending; follows every commit. */
  readonly #ledger: Ledger;
  readonly #allowedFailures: number;
  /** Commits happen one after the other; this is the last of them. */
  #commits: Promise<void> = Promise.resolve();
  /** Wakes the reader that waits for a shard in work to be committed. */
  #wakeReader: () => void = () => undefined;
  /** What the journal is behind with when errors of rows come faster than the disk takes them. */
  #unwritten: Promise<void> | undefined;
  /** Columns whose length the plan has. */
  #knownSaved: number;
  #planSaved: Promise<void> = Promise.resolve();
  /** Set by whatever ended the run from inside; the scheduler's own ending counts otherwise. */
  #ending: RunEnding | undefined;
  /** The output is somebody else's: nothing more is written to it. */
  #isLost = false;

  constructor(context: RunContext) {
    this.#context = context;
    const { prepared, plan, engine, layout, backend } = context;
    const { job, task } = prepared;
    this.#ledger = ledgerOf(context);
    this.#allowedFailures = allowedFailures(job, this.#ledger.read);
    this.#shape = new ResultShape(task.columns(prepared.parameters), plan.dimensions);
    this.#knownSaved = this.#shape.known;
    this.#commit = {
      engine,
      layout,
      writer: prepared.writer,
      compression: job.output.compression,
      results: prepared.results,
      dropFailed: job.errors.onRowError === 'drop',
      model: job.model,
      modelSha256: plan.model && modelSha256(plan.model),
      confirm: context.confirm,
    };
    this.#scheduler = new Scheduler<Item, ResultRow>({
      ...schedulingOf(job, backend, context.random),
      clock: context.clock,
      random: context.random,
      attempt: (items, how) => this.#ask(items, how),
      onSettled: (settled) => this.#settle(settled),
      onEvent: context.onEvent,
    });
  }

  /** Rows, requests and limits as they are now. */
  stats(): RunStats {
    let answered = 0;
    for (const work of this.#open) answered += work.answers.settled;
    return { ...this.#scheduler.stats(), ledger: { ...this.#ledger }, answered };
  }

  /** Lets what is in flight come in and journals it; nothing new goes out. */
  stop(): void {
    this.#end({ kind: 'stopped' });
    const { backend, clock } = this.#context;
    if (backend.local === undefined) return;
    void clock.sleep(backend.local.graceMs, this.#reading.signal).then(() => this.#scheduler.abort());
  }

  /** Gives up what is in flight, too; its rows stay pending. */
  cancel(): void {
    this.stop();
    this.#scheduler.abort();
  }

  /**
   * Ends at once, because the output is somebody else's: he has what is journaled, and asks for the rest himself.
   * @param error why, for the user
   */
  lose(error: unknown): void {
    this.#isLost = true;
    this.#end({ kind: 'error', error });
    this.#scheduler.abort();
  }

  /** Whether the output was lost to somebody else. */
  get isLost(): boolean {
    return this.#isLost;
  }

  /**
   * Runs until nothing is left to do or something ends it. Whatever was answered is then in a part or in a journal.
   * What happens to rows, endpoint or disk is the ending, never an exception.
   */
  async run(): Promise<RunEnding> {
    this.#checkFailures();
    let ending: RunEnding = { kind: 'stopped' };
    try {
      if (this.#ending === undefined) ending = await this.#scheduler.run(this.#items());
    } catch (error) {
      await this.#fail(error);
    }
    await this.#commits;
    this.#reading.abort();
    for (const work of this.#open) {
      try {
        if (!this.#isLost) await work.answers.flush();
      } catch (error) {
        this.#ending ??= { kind: 'error', error };
      }
      await work.answers.close();
    }
    await this.#planSaved;
    assertBalanced(this.#ledger, 'the run');
    if (this.#ending === undefined && ending.kind === 'done' && this.#left() > 0) {
      return { kind: 'shards-left', shards: this.#left() };
    }
    return this.#ending ?? ending;
  }

  async *#items(): AsyncGenerator<Iterable<Item>> {
    for (const shard of this.#context.plan.shards) {
      if (this.#context.records.has(shard.id) || !this.#isWanted(shard)) continue;
      while (!this.#mayOpen(shard) && this.#ending === undefined) {
        await new Promise<void>((resolve) => {
          this.#wakeReader = resolve;
        });
      }
      if (this.#ending !== undefined) return;
      yield* this.#readShard(shard);
    }
  }

  #mayOpen(next: Shard): boolean {
    if (this.#open.size < openShards.usual) return true;
    let { rows } = next;
    for (const { shard } of this.#open) rows += shard.rows;
    return this.#open.size < openShards.most && rows <= openShards.rows;
  }

  async *#readShard(shard: Shard): AsyncGenerator<Iterable<Item>> {
    const { plan, layout, engine, prepared, retry, windows, onEvent } = this.#context;
    const unwritable = (error: unknown): never => {
      throw diskError(error, layout);
    };
    const file = plan.files[shard.file]!;
    const rows: ShardRows = {
      rows: shard.rows,
      start: shard.start,
      file: file.path,
      committed: committedHash(file, shard),
      ...(retry === undefined
        ? {}
        : { askAgain: (failure: RowFailure) => isChosen(retry, shard.id, failure) }),
    };
    await this.#context.confirm();
    const journal = layout.journal(shard.id);
    if (this.#context.mayReturn) await ownCopy(journal).catch(unwritable);
    const { answers, tornBytes } = await ShardAnswers.open(journal, this.#shape, rows).catch(unwritable);
    const work = new ShardWork(shard, file, answers, windows && ((row) => windows.at(shard, row)));
    this.#open.add(work);
    onEvent({ type: 'shard-started', shard: shard.id, recovered: answers.recoverable, tornBytes });
    const range = { file: shardFile(prepared, plan, shard), start: shard.start, rows: shard.rows };
    const onlyKept = prepared.kept.filter((name) => !prepared.needed.includes(name));
    await prepared.dataset.checkColumns(range, onlyKept);
    using relation = shardRelation(prepared, plan, shard, prepared.needed);
    const queries = await prepared.dataset.queries(range, relation);
    try {
      for await (const made of work.items(engine, queries, prepared.bind, this.#reading.signal)) {
        yield this.#askable(work, made);
        await this.#unwritten;
        if (this.#ending !== undefined) return;
      }
    } catch (error) {
      throw prepared.dataset.explained(shardFile(prepared, plan, shard), error);
    }
    if (work.complete) this.#enqueueCommit(work);
    this.#checkFailures();
  }

  /** Rows that cannot be asked have their error at once; the others are to be asked. */
  *#askable(work: ShardWork, made: Iterable<Item | Unaskable>): Generator<Item> {
    for (const item of made) {
      if ('failure' in item) this.#unwritten = this.#take(work, item.row, item.hash, 0, item);
      else yield item;
      if (this.#ending !== undefined) return;
    }
  }

  #ask(items: readonly Item[], how: CallOptions): Promise<AttemptOutcome<ResultRow>> {
    const { backend, prepared } = this.#context;
    const questions = items.map((item) => item.question);
    return ask(backend, prepared.task, this.#shape, questions, how);
  }

  #settle(settled: Settled<Item, ResultRow>): Promise<void> | undefined {
    const { item, attempts } = settled;
    if (this.#shape.known > this.#knownSaved) this.#savePlan();
    const outcome =
      'failure' in settled ? { failure: callFailure(settled.failure, attempts) } : { result: settled.result };
    return this.#take(item.work, item.row, item.hash, attempts, outcome);
  }

  /** Takes a row's answer or error. A returned promise is back-pressure from the disk. */
  #take(
    work: ShardWork,
    row: number,
    hash: string,
    attempts: number,
    outcome: Entry['outcome'],
  ): Promise<void> | undefined {
    if (this.#isLost) return undefined;
    if ('failure' in outcome) {
      const failed = { file: work.file.path, row: work.shard.start + row, failure: outcome.failure };
      this.#context.onEvent({ type: 'row-failed', ...failed });
      if (this.#context.prepared.job.errors.onRowError === 'fail') {
        // Not journaled: the next run asks this row again.
        this.#end({ kind: 'row-failed', ...failed });
        return undefined;
      }
    }
    let written: Promise<void> | undefined;
    try {
      written = work.answers.append({ row, hash, attempts, outcome });
    } catch (error) {
      this.#end({ kind: 'error', error: diskError(error, this.#context.layout) });
      return undefined;
    }
    if ('failure' in outcome) this.#checkFailures();
    if (work.complete) this.#enqueueCommit(work);
    return written;
  }

  #enqueueCommit(work: ShardWork): void {
    if (work.committing) return;
    work.committing = true;
    this.#commits = this.#commits.then(async () => {
      if (this.#ending?.kind === 'error') return;
      try {
        await this.#commitOne(work);
      } catch (error) {
        await this.#fail(diskError(error, this.#context.layout));
      }
      this.#wakeReader();
    });
  }

  /**
   * Ends with an error. Where somebody has taken over meanwhile, that is the error: what was half done is gone because he
   * removed it.
   */
  async #fail(error: unknown): Promise<void> {
    try {
      await this.#context.confirm();
      this.#end({ kind: 'error', error });
    } catch (lost) {
      this.lose(lost);
    }
  }

  async #commitOne(work: ShardWork): Promise<void> {
    const { plan, prepared, records, onEvent } = this.#context;
    await this.#planSaved;
    await this.#context.confirm();
    const source = shardFile(prepared, plan, work.shard);
    if (!(await prepared.dataset.isUnchanged(source, work.shard))) throw sourceChanged(source.path);
    using kept =
      prepared.kept.length === 0 ? undefined : shardRelation(prepared, plan, work.shard, prepared.kept);
    const record = await commitShard(
      this.#commit,
      work,
      kept === undefined
        ? undefined
        : { sql: kept.sql, columns: prepared.kept.map((name) => ({ name, as: name })) },
    );
    records.set(record.shard, record);
    this.#open.delete(work);
    this.#ledger.pending -= record.read;
    this.#ledger.succeeded += record.succeeded;
    this.#ledger.failed += record.failed;
    this.#ledger.filtered += record.filtered;
    assertBalanced(this.#ledger, 'the run');
    onEvent({ type: 'shard-committed', record });
  }

  /** What the first answer told of the columns is in the plan before anything is committed that relies on it. */
  #savePlan(): void {
    const { plan, layout } = this.#context;
    this.#knownSaved = this.#shape.known;
    plan.dimensions = this.#shape.dimensions;
    this.#planSaved = this.#planSaved
      .then(() => this.#context.confirm())
      .then(() => saveDimensions(layout, plan.dimensions))
      .catch((error: unknown) => this.#fail(diskError(error, layout)));
  }

  #isWanted({ id }: Shard): boolean {
    return this.#context.retry?.shards?.has(id) ?? true;
  }

  /** The plan's shards that this run leaves to another, which are not committed. */
  #left(): number {
    const { plan, records } = this.#context;
    return plan.shards.filter((shard) => !records.has(shard.id) && !this.#isWanted(shard)).length;
  }

  #checkFailures(): void {
    let failed = this.#ledger.failed;
    for (const work of this.#open) failed += work.answers.failed;
    if (failed > this.#allowedFailures) {
      this.#end({ kind: 'too-many-failures', failed, allowed: this.#allowedFailures });
    }
  }

  #end(ending: RunEnding): void {
    this.#ending ??= ending;
    this.#scheduler.stop();
    this.#wakeReader();
  }
}
