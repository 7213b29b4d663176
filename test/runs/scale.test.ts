import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Layout } from '../../src/runs/layout.ts';
import { updatePlan } from '../../src/runs/planning.ts';
import { openOutput, startRun, writePlan } from '../../src/runs/start.ts';
import { stateText } from '../../src/runs/state-file.ts';
import { ledgerOf } from '../../src/runs/state.ts';
import type { Dataset } from '../../src/sources/dataset.ts';
import { jobOf } from '../crash/in-process.ts';
import { temporaryFolder } from '../temporary.ts';

const SHARDS = 10_000;

test('10,000 committed shards of 100,000,000 rows: a resume takes seconds, and opens no part or source', async () => {
  const root = join(temporaryFolder(), 'out');
  const job = jobOf(`task: text-classification
model: acme/sentiment
source: lake
inputs: {text: text}
output: {path: ${root}, rows_per_part: 10000}
`);
  const files = Array.from({ length: SHARDS }, (_, i) => ({
    path: `lake/dt=${i % 100}/${i}.parquet`,
    size: 1_000_000,
    modifiedMs: 1,
  })).sort((a, b) => (a.path < b.path ? -1 : 1));
  const dataset = { files, facts: async () => ({ rows: 10_000, marks: [] }) } as unknown as Dataset;
  const layout = new Layout(root);
  await openOutput(layout);
  const { plan } = await updatePlan(job, dataset, undefined, () => false);
  await writePlan(layout, plan);
  for (const { id, file, start, rows } of plan.shards) {
    const { path, folders } = plan.files[file]!;
    const part = Layout.part(id, folders, 'parquet');
    const counts = { read: rows, succeeded: rows, failed: 0, filtered: 0 };
    const record = { version: 1, shard: id, file: path, start, rows, part, bytes: 0, sha256: '', ...counts };
    writeFileSync(layout.record(id), stateText({ ...record, committed: '', model: null }));
    mkdirSync(join(root, ...folders), { recursive: true });
    writeFileSync(join(root, part), '');
  }
  const unreadable = {
    files,
    facts: () => {
      throw new Error('a source file was read');
    },
  } as unknown as Dataset;
  const [began, before] = [performance.now(), process.memoryUsage().heapUsed];
  const started = await startRun(job, unreadable, layout);
  expect(performance.now() - began).toBeLessThan(10_000);
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(100 * 2 ** 20);
  expect(started).toMatchObject({ lostParts: [], update: { outdated: [], added: [] } });
  expect(ledgerOf(started)).toMatchObject({ read: 100_000_000, succeeded: 100_000_000, pending: 0 });
});
