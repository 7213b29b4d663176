import type { Backend, CallOptions, LocalCalls, Question } from '../backends/backend.ts';
import type { Engine } from '../duckdb/engine.ts';
import type { Clock } from '../scheduler/clock.ts';
import { Scheduler } from '../scheduler/scheduler.ts';
import type { SchedulerEvent } from '../scheduler/types.ts';
import type { ResultRow } from '../tasks/task.ts';
import { ask } from './ask.ts';
import { callFailure, type RowFailure, readFailure } from './failure.ts';
import type { Prepared } from './prepare.ts';
import { ResultShape } from './result-shape.ts';
import type { RunEnding } from './run.ts';
import { schedulingOf } from './scheduling.ts';
import { makeQuestion } from './shard-work.ts';

/** A row that was really asked. */
export interface PreviewedRow {
  file: string;
  /** Row in that file, from 0. */
  row: number;
  /** What its columns were mapped to; undefined for a row that cannot be asked. */
  question?: Question;
  /** What came of it; undefined for a row that the ending left unanswered. */
  outcome?: { result: ResultRow } | { failure: RowFailure };
}

export interface PreviewContext {
  prepared: Prepared;
  engine: Engine;
  backend: Backend;
  clock: Clock;
  random: () => number;
  onEvent: (event: SchedulerEvent) => void;
}

export interface Preview {
  /** In the order of the source. */
  rows: PreviewedRow[];
  ending: RunEnding;
}

/**
 * Asks the first rows that `where` lets pass, on the way of a run: the same mapping, limits, retries and decoding.
 * Writes nothing. Counts nothing either, because that may take minutes: `source.sample`, which needs the number of all
 * rows, is passed over.
 */
export async function preview(context: PreviewContext, wanted: number): Promise<Preview> {
  const { prepared, backend, clock, random, onEvent } = context;
  const { job, task } = prepared;
  const rows = await firstRows(context, wanted);
  const shape = new ResultShape(task.columns(prepared.parameters));
  const scheduler = new Scheduler<Asked, ResultRow>({
    ...schedulingOf(job, backend, random),
    clock,
    random,
    attempt: (items: readonly Asked[], how: CallOptions) =>
      ask(
        backend,
        task,
        shape,
        items.map(({ question }) => question),
        how,
      ),
    onSettled: (settled) => {
      settled.item.outcome =
        'failure' in settled
          ? { failure: callFailure(settled.failure, settled.attempts) }
          : { result: settled.result };
      return undefined;
    },
    onEvent,
  });
  const ending = await scheduler.run(askable(rows, backend.local));
  return { rows, ending };
}

type Asked = PreviewedRow & { question: Question; endsWindow?: true };

/** In windows, as a run of no more than these rows would have them. */
async function* askable(
  rows: readonly PreviewedRow[],
  local: LocalCalls | undefined,
): AsyncGenerator<Asked[]> {
  const asked = rows.filter(hasQuestion);
  if (local !== undefined) {
    for (let first = 0; first < asked.length; first += local.windowAt(asked.length - first)) {
      const before = asked[first - 1];
      if (before !== undefined) before.endsWindow = true;
    }
  }
  yield asked;
}

function hasQuestion(row: PreviewedRow): row is Asked {
  return row.question !== undefined;
}

async function firstRows({ prepared, engine }: PreviewContext, wanted: number): Promise<PreviewedRow[]> {
  const { dataset, needed, job } = prepared;
  const rows: PreviewedRow[] = [];
  let left = job.source.limit ?? Number.MAX_SAFE_INTEGER;
  for (const file of dataset.files) {
    if (rows.length >= wanted || left === 0) break;
    using relation = dataset.relation({ file, start: 0, rows: left }, needed, job.source.where);
    try {
      const sql = `SELECT * FROM (${relation.sql}) LIMIT ${wanted - rows.length}`;
      for await (const batch of engine.stream(sql)) {
        const map = prepared.bind(batch, file.path);
        const [numbers, errors] = [batch.getChild('__row')!, batch.getChild('__error')!];
        for (let i = 0; i < batch.numRows; i++) {
          const error = errors.get(i) as string | null;
          const made = error === null ? await makeQuestion(map, i) : readFailure(error);
          const row = { file: file.path, row: Number(numbers.get(i)) };
          rows.push('stage' in made ? { ...row, outcome: { failure: made } } : { ...row, question: made });
        }
      }
    } catch (error) {
      throw dataset.explained(file, error);
    }
    // Only a limit needs to know how many rows there were; counting them may take long.
    if (job.source.limit !== undefined && rows.length < wanted) {
      left = Math.max(0, left - (await dataset.facts(file, Number.MAX_SAFE_INTEGER)).rows);
    }
  }
  return rows;
}
