import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type CommitRecord, recordVersion } from './commit.ts';
import type { Layout } from './layout.ts';
import type { Ledger } from './ledger.ts';
import { type Plan, planVersion } from './plan.ts';
import { damaged, readStateFile } from './state-file.ts';

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
    const record = await readStateFile<CommitRecord>(join(layout.shards, name), recordVersion);
    if (record !== undefined) records.set(record.shard, record);
  }
  // Without its plan nobody can tell whose rows the parts hold, and a new plan might number other shards so.
  if (plan === undefined && records.size > 0) throw damaged(layout.plan, 'it is gone');
  return { plan, records };
}

/** Undefined where no run has begun. @throws {SluiceError} STATE_DAMAGED or STATE_VERSION, exit 3 */
export function readPlan(layout: Layout): Promise<Plan | undefined> {
  return readStateFile<Plan>(layout.plan, planVersion);
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

/** Names in a folder; none where there is no such folder. */
export async function namesIn(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
