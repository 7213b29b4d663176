import { isDeepStrictEqual } from 'node:util';
import { openBackend } from '../backends/index.ts';
import { Engine } from '../duckdb/engine.ts';
import { Exit, SluiceError } from '../errors.ts';
import {
  type Agreement,
  agreementOf,
  type ComparedRow,
  type Measured,
  worstRows,
} from '../runs/compare/agreement.ts';
import { comparisonOf } from '../runs/compare/index.ts';
import type { Comparison } from '../runs/compare/measure.ts';
import { errorText } from '../runs/failure.ts';
import { type Prepared, prepare } from '../runs/prepare.ts';
import { type PreviewedRow, preview } from '../runs/preview.ts';
import { systemClock } from '../scheduler/clock.ts';
import type { Job } from '../spec/job.ts';
import { fromDifference } from './difference.ts';
import { invalidJob, loadJob } from './load-job.ts';
import { createLog, logFormat } from './log.ts';
import { inputOf, previewOutcome } from './preview.ts';
import { eventLogger } from './run-log.ts';
import { shown } from './shown.ts';
import { fitted, table } from './table.ts';
import { plural, terminalWidth } from './words.ts';

export interface CompareArguments {
  job: string;
  set: string[];
  with: Job['backend']['type'];
  model?: string;
  otherSet: string[];
  rows: number;
  minAgreement?: number;
}

/** Rows that are shown of those that agree least. */
const worst = 5;

/** The job as it stands, or as it would be with the other backend. */
type Loaded = Awaited<ReturnType<typeof loadJob>>;

/** A side of the comparison that can be asked. */
interface Side {
  /** What the table calls it. */
  name: string;
  prepared: Prepared;
  ask(wanted: number): Promise<PreviewedRow[]>;
  close(): Promise<void>;
}

/**
 * `sluice compare`: asks the job's backend and another one the same first rows, and shows how much they agree. Writes
 * nothing. Nobody is asked before both sides are ready, nor the other one when the job's own did not answer.
 * @throws {SluiceError} COMPARE_DISAGREES, exit 4, where a measure misses its threshold
 */
export async function compare(args: CompareArguments): Promise<void> {
  const own = await loadJob(args.job, args.set);
  const other = await loadJob(args.job, [
    ...args.set,
    `backend.type=${args.with}`,
    ...(args.model === undefined ? [] : [`model=${args.model}`]),
    ...args.otherSet,
  ]);
  const comparison = comparisonFor(own, other);
  const [ownName, otherName] =
    own.job.backend.type === other.job.backend.type
      ? ['job', 'other']
      : [own.job.backend.type, other.job.backend.type];
  const engine = await Engine.open();
  const sides: Side[] = [];
  try {
    const one = await openSide(ownName, own, engine);
    sides.push(one);
    const two = await openSide(otherName, other, engine);
    sides.push(two);
    const rows = await one.ask(args.rows);
    const agreement = await agreementOf(comparison, rows, await two.ask(args.rows), args.minAgreement);
    process.stdout.write(`${describe(one, two, other.job, comparison, agreement)}\n`);
    refuseDisagreement(agreement);
  } finally {
    for (const side of sides) await side.close();
    await engine.close();
  }
}

/** @throws {SluiceError} COMPARE_…, exit 2, for jobs whose answers cannot be held against each other */
function comparisonFor(own: Loaded, other: Loaded): Comparison {
  const wrong = (code: string, message: string, next: string) =>
    new SluiceError(code, `compare: ${message}; nothing was sent`, { next, exit: Exit.usage });
  if (isDeepStrictEqual(own.job, other.job)) {
    throw wrong(
      'COMPARE_SAME',
      `the job's backend is ${own.job.backend.type} already`,
      'name what is different on the other side: --model, or --other-set backend.dtype=q8',
    );
  }
  const isSame = own.job.task === other.job.task && isDeepStrictEqual(own.job.source, other.job.source);
  if (!isSame) {
    throw wrong(
      'COMPARE_ROWS',
      'the other side has another source or task',
      'set them with --set, which is for both sides',
    );
  }
  const [comparison, otherComparison] = [own, other].map(({ job, task }) =>
    comparisonOf(task.columns(literals(job))),
  );
  if (comparison === undefined || comparison.columns[0] !== otherComparison?.columns[0]) {
    throw wrong(
      'COMPARE_COLUMNS',
      'the sides have no result column in common that can be compared',
      'set parameters.pooling with --set, which is for both sides',
    );
  }
  return comparison;
}

/** The parameters that decide the result columns. */
function literals({ parameters }: Job): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(parameters).flatMap(([name, binding]) =>
      binding.kind === 'literal' ? [[name, binding.value]] : [],
    ),
  );
}

/** @throws {SluiceError} why this side can never answer */
async function openSide(name: string, { job, task, text, locate }: Loaded, engine: Engine): Promise<Side> {
  const { prepared, problems } = await prepare(job, task, engine, locate);
  if (prepared === undefined) throw invalidJob(problems, text);
  const log = createLog(logFormat(undefined), false);
  const onEvent = eventLogger(log);
  try {
    const backend = await openBackend(job, task, (message) => log.warn({ event: 'worker-lost' }, message));
    const close = async () => {
      await backend.close();
      prepared.dataset.close();
    };
    try {
      await backend.ready();
    } catch (error) {
      await backend.close();
      throw error;
    }
    const context = { prepared, engine, backend, clock: systemClock, random: Math.random, onEvent };
    return { name, prepared, close, ask: (wanted) => ask(name, context, wanted) };
  } catch (error) {
    prepared.dataset.close();
    throw error;
  }
}

/** @throws {SluiceError} COMPARE_ENDED, with the exit code that a run would have ended with */
async function ask(
  name: string,
  context: Parameters<typeof preview>[0],
  wanted: number,
): Promise<PreviewedRow[]> {
  const result = await preview(context, wanted);
  const { exit, message, next } = previewOutcome(context.prepared, result);
  if (message === undefined) return result.rows;
  throw new SluiceError('COMPARE_ENDED', `${name}: ${message}`, {
    exit,
    // "Goes on where it ended" is said of runs.
    ...(exit === Exit.refused && next !== undefined ? { next } : {}),
  });
}

function refuseDisagreement({ measures, answered }: Agreement): void {
  const exit = Exit.tooManyFailures;
  if (answered === 0) throw new SluiceError('COMPARE_NOTHING', 'no row was answered by both sides', { exit });
  const missed = measures.filter(({ ok }) => !ok);
  if (missed.length === 0) return;
  const words = missed.map(
    (line) => `${line.measure.name} is ${shown(line.value)}, wanted ${wantedText(line)}`,
  );
  throw new SluiceError('COMPARE_DISAGREES', `the backends agree too little: ${words.join('; ')}`, {
    next: 'look at the rows above; --min-agreement asks for less',
    exit,
  });
}

function describe(one: Side, two: Side, other: Job, comparison: Comparison, agreement: Agreement): string {
  const { job } = one.prepared;
  const { rows, answered } = agreement;
  const where = job.source.where === undefined ? '' : ' that source.where lets pass';
  const measures = agreement.measures.map((line) => [
    line.measure.name,
    line.value,
    wantedText(line),
    line.value === undefined ? '' : line.ok ? 'yes' : 'no',
  ]);
  const shownRows = worstRows(agreement, worst);
  return [
    `${job.name}: ${answererOf(one.name, job)} and ${answererOf(two.name, other)} on the first ` +
      `${plural(rows.length, 'row')}${where}; both answered ${answered}; nothing is written`,
    '',
    table(['measure', 'value', 'wanted', 'ok'], measures),
    ...(shownRows.length === 0
      ? []
      : ['', 'The rows that agree least:', '', rowTable(one, two, comparison, shownRows)]),
  ].join('\n');
}

function rowTable(one: Side, two: Side, { columns }: Comparison, rows: readonly ComparedRow[]): string {
  const several = one.prepared.dataset.files.length > 1;
  const inputs = Object.keys(one.prepared.job.inputs);
  const head = [
    ...(several ? ['file'] : []),
    'row',
    ...inputs,
    ...columns.flatMap((column) => [`${one.name} → ${column}`, `${two.name} → ${column}`]),
  ];
  const body = rows.map((row) => [
    ...(several ? [row.one.file] : []),
    row.one.row,
    ...inputs.map((name) => inputOf(row.one, name)),
    ...columns.flatMap((column, i) =>
      shownPair(answerOf(row.one, column, i), answerOf(row.other, column, i)),
    ),
  ]);
  return fitted(head, body, terminalWidth());
}

/** Numbers stay numbers, which stand on the right. */
function shownPair(one: unknown, other: unknown): unknown[] {
  return typeof one === 'number' || typeof other === 'number'
    ? [one, other]
    : fromDifference(shown(one), shown(other));
}

/** A row that failed has its error in the place of its first column. */
function answerOf({ outcome }: PreviewedRow, column: string, place: number): unknown {
  if (outcome === undefined) return undefined;
  if ('result' in outcome) return outcome.result[column];
  return place === 0 ? errorText(outcome.failure) : undefined;
}

function answererOf(name: string, { model, backend }: Job): string {
  const who = backend.type === 'api' ? (model ?? backend.url) : `${model} ${backend.dtype}`;
  return `${name} (${who})`;
}

function wantedText({ measure, wanted }: Measured): string {
  return `${measure.better === 'high' ? '≥' : '≤'} ${shown(wanted)}`;
}
