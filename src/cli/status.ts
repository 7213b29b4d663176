import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Exit, SluiceError } from '../errors.ts';
import { type AtWork, atWork } from '../runs/claim.ts';
import { readDeadLetters } from '../runs/dead-letters.ts';
import type { DeadLetter } from '../runs/failure.ts';
import { type Journaled, journaledRows } from '../runs/journaled.ts';
import { Layout } from '../runs/layout.ts';
import type { Plan } from '../runs/plan.ts';
import { ledgerOf, namesIn, type RunState, readState } from '../runs/state.ts';
import { type Verified, verifyParts } from '../runs/verify.ts';
import { loadJob } from './load-job.ts';
import { table } from './table.ts';
import { count, plural } from './words.ts';

export interface StatusArguments {
  job: string;
  set: string[];
  json: boolean;
  verify: boolean;
}

/** Failed rows of one kind: how many, and the first of them. */
interface FailureGroup {
  stage: string;
  kind: string;
  status: number | null;
  rows: number;
  example: DeadLetter;
}

/** What there is to say of an output directory. */
interface Found {
  layout: Layout;
  state: RunState & { plan: Plan };
  running: readonly AtWork[];
  complete: boolean;
  journaled: Journaled;
  failures: readonly FailureGroup[];
  verified: Verified | undefined;
}

/**
 * `sluice status`: what an output directory says of itself, also while a run is going on; reads nothing but the run
 * directory, with `--verify` the parts, too. Exits with 3 where a part is not what was committed.
 */
export async function status(args: StatusArguments): Promise<void> {
  const layout = new Layout(await outputOf(args));
  const state = await readState(layout);
  if (state.plan === undefined) {
    throw new SluiceError('STATUS_NO_RUN', `status: no run has written to ${layout.root}`, {
      next: 'start one with `sluice run`',
      exit: Exit.usage,
    });
  }
  const found: Found = {
    layout,
    state: { ...state, plan: state.plan },
    running: await atWork(layout),
    complete: (await namesIn(layout.root)).includes('_SUCCESS'),
    journaled: await journaledRows(layout, state),
    failures: await failureGroups(layout, state),
    verified: args.verify ? await verifyParts(layout, state.records) : undefined,
  };
  process.stdout.write(`${args.json ? JSON.stringify(figuresOf(found), null, 2) : describe(found)}\n`);
  if (found.verified !== undefined && found.verified.missing.length + found.verified.changed.length > 0)
    process.exitCode = Exit.refused;
}

function figuresOf({ layout, state, running, complete, journaled, failures, verified }: Found): object {
  return {
    output: layout.root,
    job: state.plan.job.name,
    complete,
    running: running.map(({ owner, share }) => ({ ...owner, share: share ?? null })),
    ledger: ledgerOf(state),
    // Rows that are pending in the ledger and will not be asked again.
    journaled: journaled.rows,
    shards: { total: state.plan.shards.length, committed: committedOf(state), in_work: journaled.shards },
    failures,
    ...(verified === undefined ? {} : { verified }),
  };
}

function describe({ layout, state, running, complete, journaled, failures, verified }: Found): string {
  const ledger = ledgerOf(state);
  const total = state.plan.shards.length;
  const lines = [
    `${state.plan.job.name}: ${layout.root}${complete ? ', complete' : ''}`,
    ...(running.length === 0 ? ['no run is going on'] : running.map(describeRun)),
    '',
    table(
      ['rows read', 'succeeded', 'failed', 'filtered', 'pending'],
      [[ledger.read, ledger.succeeded, ledger.failed, ledger.filtered, ledger.pending].map(count)],
    ),
    '',
    `shards: ${count(committedOf(state))} of ${count(total)} committed`,
  ];
  if (journaled.rows > 0)
    lines.push(
      `of the pending rows ${count(journaled.rows)} are answered, in ${plural(journaled.shards, 'journal')}`,
    );
  if (verified !== undefined) lines.push('', ...describeVerified(verified));
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

function describeVerified({ parts, missing, changed }: Verified): string[] {
  if (missing.length + changed.length === 0)
    return [`${plural(parts, 'part')} verified: every one is what was committed`];
  return [
    `${count(missing.length + changed.length)} of ${plural(parts, 'part')} ${missing.length + changed.length === 1 ? 'is' : 'are'} not what was committed:`,
    ...missing.map((part) => `  ${part}: gone; \`sluice run\` makes it again`),
    ...changed.map(
      (part) => `  ${part}: changed; restore it, or remove it and \`sluice run\` makes it again`,
    ),
  ];
}

/** The output directory that is meant: a directory itself, or that of a job file. */
async function outputOf(args: StatusArguments): Promise<string> {
  const found = await stat(args.job).catch(() => undefined);
  if (found?.isDirectory()) return args.job;
  if (found === undefined && !/\.ya?ml$/i.test(args.job)) {
    throw new SluiceError('STATUS_NOT_FOUND', `status: ${args.job} is neither a job file nor a directory`, {
      next: 'name the job file, or the directory that its output.path names',
      exit: Exit.usage,
    });
  }
  return (await loadJob(args.job, args.set)).job.output.path;
}

/** Of committed shards; what a pending one failed with before is not what it will have failed with. */
async function failureGroups(layout: Layout, state: RunState): Promise<FailureGroup[]> {
  const groups = new Map<string, FailureGroup>();
  for (const name of await namesIn(layout.errors)) {
    const shard = /^(\d+)\.jsonl$/.exec(name)?.[1];
    if (shard === undefined || !state.records.has(Number(shard))) continue;
    for (const letter of await readDeadLetters(join(layout.errors, name))) {
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
