import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { decodeBatch } from '../../src/arrow/ipc.ts';
import { parseJournal } from '../../src/runs/journal.ts';
import { withEmulator } from '../e2e/emulated.ts';
import { lettersOf, partsOf } from '../e2e/folder.ts';
import { sluice } from '../e2e/sluice.ts';
import { temporaryFolder } from '../temporary.ts';

/** A job in three formats, its rows one or several a request. */
export interface Variant {
  format: 'parquet' | 'arrow' | 'jsonl';
  batch: number;
}

export const variants: readonly Variant[] = (['parquet', 'arrow', 'jsonl'] as const).flatMap((format) =>
  [1, 4].map((batch) => ({ format, batch })),
);

const isRefused = (id: number): boolean => id % 10 === 3;

/** Rows of `folderWith(rows)` that get an answer: `where` lets them pass, and the server does not refuse them. */
export function answeredRows(rows: number): number {
  return Array.from({ length: rows }, (_, id) => id).filter((id) => id % 11 !== 5 && !isRefused(id)).length;
}

/** A folder with a job of `rows` rows in shards of 10: some are filtered, some refused by the server. */
export function folderWith(variant: Variant, rows: number, more: Record<string, string> = {}): string {
  const folder = temporaryFolder();
  const lines = Array.from({ length: rows }, (_, id) =>
    JSON.stringify({ id, text: isRefused(id) ? `row ${id} [[poison]]` : `row ${id}` }),
  );
  writeFileSync(join(folder, 'rows.jsonl'), `${lines.join('\n')}\n`);
  const job = {
    task: 'feature-extraction',
    model: 'acme/feature-extraction',
    source: '{path: rows.jsonl, where: "id % 11 <> 5"}',
    inputs: '{text: text}',
    backend: '{type: api, url: "${API_URL}"}',
    limits: `{concurrency: 4, batch_size: ${variant.batch}}`,
    retry: '{base_delay_ms: 5, max_delay_ms: 20}',
    output: `{path: out, format: ${variant.format}, keep: [id], rows_per_part: 10}`,
    ...more,
  };
  writeFileSync(
    join(folder, 'job.yaml'),
    Object.entries(job)
      .map(([key, value]) => `${key}: ${value}\n`)
      .join(''),
  );
  return folder;
}

/** What a run that is never killed leaves, by variant and rows. */
const never = new Map<string, Promise<object>>();

export function neverKilled(variant: Variant, rows: number): Promise<object> {
  const key = `${JSON.stringify(variant)} ${rows}`;
  const known = never.get(key);
  if (known !== undefined) return known;
  const folder = folderWith(variant, rows);
  const output = withEmulator({}, async ({ url }) => {
    const { code, stderr } = await sluice(folder, ['run', 'job.yaml'], { API_URL: url });
    if (code !== 0) throw new Error(stderr);
    return outputOf(folder);
  });
  never.set(key, output);
  return output;
}

/** Environment of a run that is watched, and killed at `kill` (see kill-at.mjs). */
export function watched(folder: string, url: string, kill?: string): Record<string, string> {
  return {
    API_URL: url,
    NODE_OPTIONS: `--import ${resolve(import.meta.dirname, 'kill-at.mjs')}`,
    SLUICE_TEST_OUT: join(folder, 'out'),
    ...(kill === undefined ? { SLUICE_TEST_LOG: join(folder, 'operations') } : { SLUICE_TEST_KILL: kill }),
  };
}

/** Everything of an output that must be the same however often its run was killed. */
export function outputOf(folder: string): object {
  const report = JSON.parse(readFileSync(join(folder, 'out/_sluice/report.json'), 'utf8'));
  return { ...committedOf(folder), ledger: report.ledger };
}

/** The same without what the command line adds: the report. */
export function committedOf(folder: string): object {
  const state = join(folder, 'out/_sluice');
  const records = readdirSync(join(state, 'shards')).map((name) => {
    const record = JSON.parse(readFileSync(join(state, 'shards', name), 'utf8'));
    // Hang on the time, and on which rows shared a request.
    return { ...record, committed: '', errors_sha256: '', checksum: '' };
  });
  return {
    parts: partsOf(folder),
    // Which rows shared a request, and so how often it was halved, is chance.
    letters: lettersOf(folder).map(({ requestId: _, attempts: __, ...letter }) => letter),
    records,
    names: readdirSync(join(folder, 'out'), { recursive: true, encoding: 'utf8' }).sort(),
  };
}

/** Answers that are on the disk: committed, or in a sound frame of a journal. */
export function keptAnswers(folder: string): number {
  const state = join(folder, 'out/_sluice');
  let answers = 0;
  const committed = new Set<string>();
  for (const name of namesIn(join(state, 'shards'))) {
    const record = JSON.parse(readFileSync(join(state, 'shards', name), 'utf8'));
    committed.add(name.slice(0, 5));
    answers += record.succeeded;
  }
  for (const name of namesIn(join(state, 'journal'))) {
    if (committed.has(name.slice(0, 5))) continue;
    for (const { payload } of parseJournal(readFileSync(join(state, 'journal', name))).frames)
      answers += decodeBatch(payload).getChild('__failure')!.nullCount;
  }
  return answers;
}

function namesIn(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder).filter((name) => /^\d{5}\./.test(name)) : [];
}
