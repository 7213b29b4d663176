import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Exit, SluiceError } from '../errors.ts';
import type { DeadLetter } from '../runs/failure.ts';
import { type AtWork, atWork } from '../runs/claim.ts';
import { Layout, namesIn } from '../runs/layout.ts';
import { ledgerOf, type RunState, readState } from '../runs/state.ts';
import { loadJob } from './load-job.ts';
import { table } from './table.ts';
import { count, plural } from './words.ts';

export interface StatusArguments {
  job: string;
  set: string[];
  json: boolean;
}

/** Failed rows of one kind: how many, and the first of them. */
interface FailureGroup {
  stage: string;
  kind: string;
  status: number | null;
  rows: number;
  example: DeadLetter;
}

/** `sluice status`: what an output directory says of itself; reads nothing but the run directory. */
export async function status(args: StatusArguments): Promise<void> {
  const layout = new Layout(await outputOf(args));
  const state = await readState(layout);
  if (state.plan === undefined) {
    throw new SluiceError('STATUS_NO_RUN', `status: no run has written to ${layout.root}`, {
      next: 'start one with `sluice run`',
      exit: Exit.usage,
    });
  }
  const running = await atWork(layout);
  const failures = await failureGroups(layout);
  const journaled = (await namesIn(layout.journals)).length;
  const complete = (await namesIn(layout.root)).includes('_SUCCESS');
  const ledger = ledgerOf(state);
  if (args.json) {
    const shards = { total: state.plan.shards.length, committed: committedOf(state), in_work: journaled };
    process.stdout.write(
      `${JSON.stringify({ output: layout.root, job: state.plan.job.name, complete, running: running.map(({ owner, share }) => ({ ...owner, share: share ?? null })), ledger, shards, failures }, null, 2)}\n`,
    );
    return;
  }
  process.stdout.write(`${describe(layout, state, running, complete, journaled, failures)}\n`);
}

function describe(
  layout: Layout,
  state: RunState,
  running: readonly AtWork[],
  complete: boolean,
  journaled: number,
  failures: readonly FailureGroup[],
): string {
  const ledger = ledgerOf(state);
  const total = state.plan!.shards.length;
  const lines = [
    `${state.plan!.job.name}: ${layout.root}${complete ? ', complete' : ''}`,
    ...(running.length === 0 ? ['no run is going on'] : running.map(describeRun)),
    '',
    table(
      ['rows read', 'succeeded', 'failed', 'filtered', 'pending'],
      [[ledger.read, ledger.succeeded, ledger.failed, ledger.filtered, ledger.pending].map(count)],
    ),
    '',
    `shards: ${count(committedOf(state))} of ${count(total)} committed, ${count(journaled)} with answers in a journal`,
  ];
  if (failures.length > 0) {
    lines.push('', `failed rows by kind (all of them in ${join(layout.errors, '')}):`);
    for (const { stage, kind, status, rows, example } of failures) {
      lines.push(
        `  ${stage} ${kind}${status === null ? '' : ` ${status}`}: ${plural(rows, 'row')}`,
        `    for example ${example.file} row ${example.row}: ${example.message}`,
      );
    }
  }
  return lines.join('\n');
}

function describeRun({ owner, share }: AtWork): string {
  const part = share === undefined ? '' : `, share ${share}`;
  return `running: process ${owner.pid} on ${owner.host} since ${owner.started}${part}`;
}

/** The output directory that is meant: a directory itself, or that of a job file. */
async function outputOf(args: StatusArguments): Promise<string> {
  const found = await stat(args.job).catch(() => undefined);
  if (found?.isDirectory()) return args.job;
  return (await loadJob(args.job, args.set)).job.output.path;
}

async function failureGroups(layout: Layout): Promise<FailureGroup[]> {
  const groups = new Map<string, FailureGroup>();
  for (const name of await namesIn(layout.errors)) {
    for (const line of (await readFile(join(layout.errors, name), 'utf8')).split('\n')) {
      if (line === '') continue;
      const letter = JSON.parse(line) as DeadLetter;
      const key = `${letter.stage} ${letter.kind} ${letter.status ?? ''}`;
      const group = groups.get(key);
      if (group !== undefined) group.rows++;
      else
        groups.set(key, {
          stage: letter.stage,
          kind: letter.kind,
          status: letter.status ?? null,
          rows: 1,
          example: letter,
        });
    }
  }
  return [...groups.values()].sort((a, b) => b.rows - a.rows);
}

function committedOf(state: RunState): number {
  return state.plan!.shards.filter((shard) => state.records.has(shard.id)).length;
}
