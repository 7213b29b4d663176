import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeBatch } from '../arrow/ipc.ts';
import { parseJournal } from './journal.ts';
import type { Layout } from './layout.ts';
import { namesIn, type RunState } from './state.ts';

/** What the journals of pending shards hold. */
export interface Journaled {
  /** Shards that have a journal. */
  shards: number;
  /** Their rows that have an answer or an error. */
  rows: number;
}

/** Looks into the journals without touching them: a run may be writing there. */
export async function journaledRows(layout: Layout, { records }: RunState): Promise<Journaled> {
  const found: Journaled = { shards: 0, rows: 0 };
  for (const name of await namesIn(layout.journals)) {
    const shard = /^(\d+)\.journal$/.exec(name)?.[1];
    if (shard === undefined || records.has(Number(shard))) continue;
    const bytes = await readIfThere(join(layout.journals, name));
    if (bytes === undefined) continue;
    const rows = new Set<number>();
    for (const { payload } of parseJournal(bytes).frames) {
      const column = decodeBatch(payload).getChild('__row')!;
      for (let i = 0; i < column.length; i++) rows.add(Number(column.get(i)));
    }
    found.shards++;
    found.rows += rows.size;
  }
  return found;
}

/** A journal goes when its shard is committed, which may be between looking for it and reading it. */
async function readIfThere(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
