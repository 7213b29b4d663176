import { appendFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { temporaryFolder } from '../temporary.ts';
import { withEmulator } from './emulated.ts';
import { lettersOf, partsOf } from './folder.ts';
import { sluice, start } from './sluice.ts';

function folderWith(url: string, source = 'rows.jsonl'): string {
  const folder = temporaryFolder();
  writeRows(join(folder, 'rows.jsonl'), 120);
  writeFileSync(
    join(folder, 'job.yaml'),
    `task: text-classification
model: acme/sentiment
source: ${source}
inputs: {text: text}
backend: {type: api, url: "${url}"}
limits: {concurrency: 4}
output: {path: out, format: jsonl, keep: [id], rows_per_part: 40}
`,
  );
  return folder;
}

function writeRows(path: string, rows: number): void {
  const lines = Array.from({ length: rows }, (_, id) =>
    JSON.stringify({ id, text: `row ${id}${id % 20 === 7 ? ' [[poison]]' : ''}` }),
  );
  writeFileSync(path, `${lines.join('\n')}\n`);
}

const statusOf = async (folder: string, ...args: string[]) => {
  const { stdout, code } = await sluice(folder, ['status', 'out', '--json', ...args]);
  return { code, ...JSON.parse(stdout) };
};

describe('status', () => {
  test('--verify holds every part against its commit record: exit 3 for one that is changed or gone', async () => {
    await withEmulator({}, async ({ url, stats }) => {
      const folder = folderWith(url);
      await sluice(folder, ['run', 'job.yaml']);
      const parts = partsOf(folder);
      expect(await statusOf(folder, '--verify')).toMatchObject({
        code: 0,
        verified: { parts: 3, missing: [], changed: [] },
      });
      appendFileSync(join(folder, 'out/part-00001.jsonl'), '\n');
      rmSync(join(folder, 'out/part-00002.jsonl'));
      expect(await statusOf(folder, '--verify')).toMatchObject({
        code: 3,
        verified: { parts: 3, missing: ['part-00002.jsonl'], changed: ['part-00001.jsonl'] },
      });
      const words = await sluice(folder, ['status', 'job.yaml', '--verify']);
      expect(words).toMatchObject({ code: 3, stdout: expect.stringMatching(/2 of 3 parts.*not what/) });
      rmSync(join(folder, 'out/part-00001.jsonl'));
      const again = await sluice(folder, ['run', 'job.yaml']);
      expect(again).toMatchObject({ code: 0, stderr: expect.stringMatching(/part-00001.jsonl is gone/) });
      expect(partsOf(folder)).toEqual(parts);
      expect(stats().requests).toBe(120 + 80);
    });
  });

  test('while a run is going on: who runs, and how many pending rows are answered already', async () => {
    await withEmulator({ latencyMs: 20 }, async ({ url, stats }) => {
      const folder = folderWith(url);
      const run = start(folder, ['run', 'job.yaml', '--quiet']);
      while (stats().rowsAnswered < 20) await new Promise((resolve) => setTimeout(resolve, 5));
      run.process.kill('SIGSTOP');
      const status = await statusOf(folder);
      run.process.kill('SIGCONT');
      expect(status).toMatchObject({ code: 0, complete: false, running: [{ pid: run.process.pid }] });
      const { read, succeeded, failed, filtered, pending } = status.ledger;
      expect(read).toBe(succeeded + failed + filtered + pending);
      expect(status.journaled).toBeGreaterThan(0);
      expect(await run.finished).toMatchObject({ code: 0 });
      expect(await statusOf(folder)).toMatchObject({ complete: true, running: [], journaled: 0 });
    });
  });
});

describe('dead letters', () => {
  test('one for each failed row, with everything that is known of it, none left out', async () => {
    await withEmulator({}, async ({ url }) => {
      const folder = folderWith(url);
      appendFileSync(join(folder, 'rows.jsonl'), '{"id": 120, "text": \n{"id": 121}\n');
      expect(await sluice(folder, ['run', 'job.yaml'])).toMatchObject({ code: 0 });
      const letters = lettersOf(folder);
      expect(letters.map(({ row }) => row)).toEqual([7, 27, 47, 67, 87, 107, 120, 121]);
      for (const letter of letters.slice(0, 6)) {
        expect(letter).toEqual({
          file: 'rows.jsonl',
          row: expect.any(Number),
          hash: expect.stringMatching(/^[0-9a-f]{32}$/),
          stage: 'call',
          kind: 'rejected',
          message: expect.stringMatching(/^400 /),
          status: 400,
          attempts: 1,
          excerpt: expect.stringContaining('error'),
          requestId: expect.any(String),
        });
      }
      expect(letters.slice(6)).toMatchObject([
        { stage: 'read', kind: 'bad_row', attempts: 0, message: expect.stringMatching(/line 121/) },
        { stage: 'map', kind: 'bad_input', attempts: 0 },
      ]);
    });
  });

  test.each([
    ['3', 4],
    ['6', 0],
    ['4%', 4],
    ['5%', 0],
  ])('errors.max_failed_rows: %s of 120 rows, 6 of which fail: exit %i', async (allowed, code) => {
    await withEmulator({}, async ({ url }) => {
      const folder = folderWith(url);
      const set = ['--set', `errors.max_failed_rows=${allowed}`];
      expect(await sluice(folder, ['run', 'job.yaml', ...set])).toMatchObject({ code });
      expect(await sluice(folder, ['run', 'job.yaml', ...set])).toMatchObject({ code });
    });
  });
});
