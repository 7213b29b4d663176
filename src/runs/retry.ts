import { join } from 'node:path';
import { Exit, SluiceError } from '../errors.ts';
import { removeFile } from '../storage/durable.ts';
import type { CommitRecord } from './commit.ts';
import { readDeadLetters } from './dead-letters.ts';
import type { DeadLetter, RowFailure } from './failure.ts';
import { fileSha256 } from './file-sha256.ts';
import type { Layout } from './layout.ts';
import type { Plan } from './plan.ts';
import { type RebuildContext, rebuildJournal } from './rebuild.ts';
import { ResultShape } from './result-shape.ts';
import { damaged } from './state-file.ts';

/** Which failed rows are asked again; what is left out chooses all. */
export interface RetrySelection {
  /** Failure kinds, as `status` names them. */
  kinds?: ReadonlySet<string>;
  /** Shards by number; the others are left as they are, pending ones too. */
  shards?: ReadonlySet<number>;
}

/** What a retry will do. */
export interface Reopened {
  /** Failed rows of committed shards that are asked again. */
  rows: number;
  /** Their shards; pending now. */
  shards: number[];
  /** Kinds of all failed rows of committed shards: what `kinds` could have named. */
  kinds: string[];
  /** Source files that are gone, so that their failed rows cannot be asked. */
  gone: string[];
}

export interface ReopenContext extends RebuildContext {
  records: Map<number, CommitRecord>;
}

/** Whether a failed row is asked again. */
export function isChosen(selection: RetrySelection, shard: number, failure: RowFailure): boolean {
  const { kinds, shards } = selection;
  return (shards?.has(shard) ?? true) && (kinds?.has(failure.kind) ?? true);
}

/**
 * Makes committed shards with failed rows pending again, with a journal that holds everything their parts hold. The
 * run that follows asks the chosen rows and commits through the same path as ever.
 *
 * A part is only replaced by a whole one, and a kill at any moment loses nothing: before the record is gone the shard
 * is committed and its journal is waste that the next run removes; after it, the shard is pending, and the next run
 * makes the part from the journal without asking what it holds.
 * @throws {SluiceError} RETRY_NO_SHARD, exit 2; PART_CHANGED or STATE_DAMAGED, exit 3
 */
export async function reopenFailed(context: ReopenContext, selection: RetrySelection): Promise<Reopened> {
  const { plan, records, layout, prepared } = context;
  refuseUnknownShards(plan, selection);
  const shape = new ResultShape(prepared.task.columns(prepared.parameters), plan.dimensions);
  const kinds = new Set<string>();
  const gone = new Set<string>();
  const reopened: Reopened = { rows: 0, shards: [], kinds: [], gone: [] };
  for (const shard of plan.shards) {
    const record = records.get(shard.id);
    if (record === undefined || record.failed === 0) continue;
    const letters = await committedLetters(layout, record);
    for (const { kind } of letters) kinds.add(kind);
    const chosen = letters.filter((letter) => isChosen(selection, shard.id, letter)).length;
    if (chosen === 0) continue;
    if (!prepared.files.has(record.file)) {
      gone.add(record.file);
      continue;
    }
    const part = join(layout.root, record.part);
    if ((await fileSha256(part).catch(() => undefined)) !== record.sha256) throw partChanged(part);
    await rebuildJournal(context, shape, { shard, record, letters });
    await removeFile(layout.record(shard.id));
    records.delete(shard.id);
    reopened.rows += chosen;
    reopened.shards.push(shard.id);
  }
  return { ...reopened, kinds: [...kinds].sort(), gone: [...gone] };
}

function refuseUnknownShards(plan: Plan, { shards }: RetrySelection): void {
  const known = new Set(plan.shards.map(({ id }) => id));
  const unknown = [...(shards ?? [])].filter((id) => !known.has(id));
  if (unknown.length === 0) return;
  throw new SluiceError('RETRY_NO_SHARD', `retry: no such shard: ${unknown.join(', ')}`, {
    next: 'a shard has the number of its part: part-00012 is shard 12',
    exit: Exit.usage,
  });
}

function partChanged(part: string): SluiceError {
  return new SluiceError('PART_CHANGED', `part ${part}: is not what was committed`, {
    next: '`sluice status --verify` lists such parts; restore it, or start anew with --fresh (all rows are asked again)',
  });
}

/** The dead letters of a committed shard, and no others: which of its part's rows have an answer hangs on them. */
async function committedLetters(layout: Layout, record: CommitRecord): Promise<DeadLetter[]> {
  const path = layout.deadLetters(record.shard);
  const letters = await readDeadLetters(path);
  if (letters.length !== record.failed)
    throw damaged(path, `it lists ${letters.length} failed rows, the commit record says ${record.failed}`);
  if (record.errors_sha256 !== undefined && (await fileSha256(path)) !== record.errors_sha256)
    throw damaged(path, 'it is not what was committed');
  return letters;
}
