import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, SluiceError } from '../errors.ts';
import { type CommitRecord, recordVersion } from './commit.ts';
import { type Layout, namesIn } from './layout.ts';
import type { Ledger } from './ledger.ts';
import { type Plan, planVersion } from './plan.ts';

/** What an output directory says of itself. */
export interface RunState {
  plan: Plan | undefined;
  /** Commit records by shard. */
  records: Map<number, CommitRecord>;
}

/** @throws {SluiceError} STATE_DAMAGED or STATE_VERSION, exit 3 */
export async function readState(layout: Layout): Promise<RunState> {
  const plan = await readPlan(layout);
  const records = new Map<number, CommitRecord>();
  for (const name of await namesIn(layout.shards)) {
    if (!/^\d+\.json$/.test(name)) continue;
    const record = await readJson<CommitRecord>(join(layout.shards, name), recordVersion);
    if (record !== undefined) records.set(record.shard, record);
  }
  return { plan, records };
}

/** Undefined where no run has begun. @throws {SluiceError} STATE_DAMAGED or STATE_VERSION, exit 3 */
export function readPlan(layout: Layout): Promise<Plan | undefined> {
  return readJson<Plan>(layout.plan, planVersion);
}

/** The ledger of what is on disk: everything that is not committed is pending. */
export function ledgerOf(state: RunState): Ledger {
  const ledger: Ledger = { read: 0, succeeded: 0, failed: 0, filtered: 0, pending: 0 };
  for (const shard of state.plan?.shards ?? []) {
    ledger.read += shard.selected;
    const record = state.records.get(shard.id);
    if (record === undefined) ledger.pending += shard.selected;
    else {
      ledger.succeeded += record.succeeded;
      ledger.failed += record.failed;
      ledger.filtered += record.filtered;
    }
  }
  return ledger;
}

async function readJson<T extends { version: number }>(
  path: string,
  version: number,
): Promise<T | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new SluiceError('STATE_UNREADABLE', `run directory: cannot read ${path}: ${messageOf(error)}`, {
      cause: error,
    });
  }
  let value: T;
  try {
    value = JSON.parse(text) as T;
  } catch (error) {
    throw new SluiceError('STATE_DAMAGED', `run directory: ${path} is damaged: ${messageOf(error)}`, {
      next: 'restore the file from a backup, or start anew with --fresh (all rows are asked again)',
      cause: error,
    });
  }
  if (value.version === version) return value;
  throw new SluiceError(
    'STATE_VERSION',
    `run directory: ${path} has version ${value.version}, this sluice reads ${version}`,
    {
      next: 'use the sluice that wrote it, or start anew with --fresh (all rows are asked again)',
    },
  );
}
