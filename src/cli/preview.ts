import { openBackend } from '../backends/index.ts';
import { Engine } from '../duckdb/engine.ts';
import { Exit, type ExitCode } from '../errors.ts';
import { errorText } from '../runs/failure.ts';
import { type Outcome, outcomeOf } from '../runs/outcome.ts';
import { type Prepared, prepare } from '../runs/prepare.ts';
import { type Preview, type PreviewedRow, preview as previewRows } from '../runs/preview.ts';
import { allowedFailures } from '../runs/ledger.ts';
import { systemClock } from '../scheduler/clock.ts';
import { invalidJob, loadJob } from './load-job.ts';
import { createLog, logFormat } from './log.ts';
import { eventLogger } from './run-log.ts';
import { fitted } from './table.ts';
import { plural, terminalWidth } from './words.ts';

export interface PreviewArguments {
  job: string;
  set: string[];
  rows: number;
}

/** `sluice preview`: asks the first rows and shows what they were mapped to and what came back. Writes nothing. */
export async function preview(args: PreviewArguments): Promise<void> {
  const { job, task, text, locate } = await loadJob(args.job, args.set);
  const engine = await Engine.open();
  try {
    const { prepared, problems } = await prepare(job, task, engine, locate);
    if (prepared === undefined) throw invalidJob(problems, text);
    const log = createLog(logFormat(undefined), false);
    const backend = await openBackend(job, task, (message) => log.warn({ event: 'worker-lost' }, message));
    try {
      await backend.ready();
      const context = { prepared, engine, backend, clock: systemClock, random: Math.random };
      const events = eventLogger(log);
      const result = await previewRows({ ...context, onEvent: events }, args.rows);
      process.stdout.write(`${describe(prepared, result)}\n`);
      process.exitCode = sayOutcome(previewOutcome(prepared, result));
    } finally {
      await backend.close();
      prepared.dataset.close();
    }
  } finally {
    await engine.close();
  }
}

/** How a preview ended, as a run of these rows would have. */
export function previewOutcome({ job }: Prepared, { rows, ending }: Preview): Outcome {
  const succeeded = rows.filter((row) => row.outcome !== undefined && 'result' in row.outcome).length;
  const failed = rows.filter((row) => row.outcome !== undefined && 'failure' in row.outcome).length;
  const pending = rows.length - succeeded - failed;
  const ledger = { read: rows.length, succeeded, failed, filtered: 0, pending };
  return outcomeOf(ending, ledger, allowedFailures(job, rows.length));
}

/** The next step of a run ("goes on where it ended") is none here, but for a refusal. */
function sayOutcome({ exit, message, next }: Outcome): ExitCode {
  if (message === undefined) return exit;
  const step = exit === Exit.refused && next !== undefined ? `  ${next}\n` : '';
  process.stderr.write(`sluice: ${message}\n${step}`);
  return exit;
}

function describe(prepared: Prepared, { rows }: Preview): string {
  const { job } = prepared;
  const where = job.source.where === undefined ? '' : ' that source.where lets pass';
  if (rows.length === 0) return `${job.name}: the source has no rows${where}`;
  const several = new Set(rows.map(({ file }) => file)).size > 1;
  const inputs = Object.keys(job.inputs);
  const bound = Object.entries(job.parameters).flatMap(([name, { kind }]) =>
    kind === 'literal' ? [] : [name],
  );
  const results = prepared.results.filter(({ name }) => name !== 'error');
  const failed = rows.some(({ outcome }) => outcome === undefined || 'failure' in outcome);
  const head = [
    ...(several ? ['file'] : []),
    'row',
    ...inputs,
    ...bound,
    ...results.map(({ as }) => `→ ${as}`),
    ...(failed ? ['→ error'] : []),
  ];
  const body = rows.map((row) => [
    ...(several ? [row.file] : []),
    row.row,
    ...inputs.map((name) => inputOf(row, name)),
    ...bound.map((name) => row.question?.parameters[name]),
    ...results.map(({ name }) => resultOf(row, name)),
    ...(failed ? [errorOf(row)] : []),
  ]);
  return [
    `${job.name}: the first ${plural(rows.length, 'row')} of ${rows[0]!.file}${several ? ' and others' : ''}${where}; nothing is written`,
    '',
    fitted(head, body, terminalWidth()),
  ].join('\n');
}

/** What an input of the row was mapped to. */
export function inputOf({ question }: PreviewedRow, name: string): unknown {
  const input = question?.inputs[name];
  const isBinary = typeof input === 'object' && 'bytes' in input && input.bytes instanceof Uint8Array;
  return isBinary ? input.bytes : input;
}

function resultOf({ outcome }: PreviewedRow, name: string): unknown {
  return outcome !== undefined && 'result' in outcome ? outcome.result[name] : undefined;
}

function errorOf({ outcome }: PreviewedRow): string {
  if (outcome === undefined) return 'not answered';
  return 'failure' in outcome ? errorText(outcome.failure) : '';
}
