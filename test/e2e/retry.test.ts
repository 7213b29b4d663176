import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { scriptedServer } from '../backends/api/scripted-server.ts';
import { temporaryFolder } from '../temporary.ts';
import { withEmulator } from './emulated.ts';
import { lettersOf, partsOf } from './folder.ts';
import { type Finished, sluice, start } from './sluice.ts';

const pixel = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg==',
  'base64',
);

interface JobChanges {
  task?: string;
  input?: string;
  format?: string;
  onRowError?: string;
  where?: string;
  compression?: string;
}

const ROWS = 120;

function folderWith(changes: JobChanges = {}): string {
  const folder = temporaryFolder();
  const { task = 'text-classification', input = 'text', format = 'jsonl', onRowError = 'keep' } = changes;
  const lines = Array.from({ length: ROWS }, (_, id) =>
    JSON.stringify({
      id,
      text: `row ${id}`,
      // Trailing bytes make each picture another request; readers of PNG pass over them.
      image: `data:image/png;base64,${Buffer.concat([pixel, Buffer.from(`${id}`)]).toString('base64')}`,
    }),
  );
  writeFileSync(join(folder, 'rows.jsonl'), `${lines.join('\n')}\n`);
  writeFileSync(
    join(folder, 'job.yaml'),
    `task: ${task}
model: acme/${task}
source: {path: rows.jsonl${changes.where === undefined ? '' : `, where: "${changes.where}"`}}
inputs: {${input}: ${input}}
backend: {type: api, url: "\${API_URL}"}
errors: {on_row_error: ${onRowError}}
output: {path: out, format: ${format}, keep: [id], rows_per_part: 50, compression: ${changes.compression ?? 'none'}}
`,
  );
  return folder;
}

/** Runs a command against an emulator that refuses this share of the rows. @returns for how many rows it was asked */
async function against(
  folder: string,
  refused: number,
  ...args: string[]
): Promise<Finished & { asked: number }> {
  return withEmulator({ faults: { '400': refused } }, async ({ url, stats }) => {
    const finished = await sluice(folder, [...args, '--log-format', 'json'], { API_URL: url });
    return { ...finished, asked: stats().inputs.distinct };
  });
}

const ledgerOf = (folder: string) =>
  JSON.parse(readFileSync(join(folder, 'out/_sluice/report.json'), 'utf8')).ledger;

const cases: JobChanges[] = [
  { format: 'parquet', compression: 'zstd' },
  { format: 'arrow' },
  { format: 'jsonl' },
  { format: 'jsonl', compression: 'zstd', onRowError: 'drop' },
  { format: 'parquet', onRowError: 'drop', where: 'id % 7 <> 3' },
  { format: 'arrow', where: 'id % 7 <> 3' },
  { format: 'parquet', task: 'feature-extraction' },
  { format: 'arrow', task: 'feature-extraction', onRowError: 'drop' },
  { format: 'jsonl', task: 'feature-extraction' },
  { format: 'parquet', task: 'image-segmentation', input: 'image' },
  { format: 'jsonl', task: 'image-segmentation', input: 'image', compression: 'gzip' },
];

describe('retry', () => {
  test.each(cases)(
    'asks the failed rows alone, and the parts are as if none had failed: %o',
    async (changes) => {
      const [quiet, failing] = [folderWith(changes), folderWith(changes)];
      expect(await against(quiet, 0, 'run', 'job.yaml')).toMatchObject({ code: 0 });
      expect(await against(failing, 0.3, 'run', 'job.yaml')).toMatchObject({ code: 0 });
      const failed = lettersOf(failing).length;
      expect(failed).toBeGreaterThan(5);
      expect(partsOf(failing)).not.toEqual(partsOf(quiet));
      expect(await against(failing, 0, 'retry', 'job.yaml')).toMatchObject({ code: 0, asked: failed });
      expect(partsOf(failing)).toEqual(partsOf(quiet));
      expect(lettersOf(failing)).toEqual([]);
      expect(ledgerOf(failing)).toEqual(ledgerOf(quiet));
      expect(await against(failing, 0, 'retry', 'job.yaml')).toMatchObject({ code: 0, asked: 0 });
    },
  );

  test('while a run is going on: exit 75 with who it is, and the run ends as if nobody had come', async () => {
    const folder = folderWith();
    const waiting: ServerResponse[] = [];
    const answer = (response: ServerResponse) => response.end('[[{"label": "GOOD", "score": 1}]]');
    let isHeld = true;
    await using server = await scriptedServer((response) => {
      if (isHeld) waiting.push(response);
      else answer(response);
    });
    const run = start(folder, ['run', 'job.yaml', '--log-format', 'json'], { API_URL: server.url });
    while (waiting.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    const refused = await sluice(folder, ['retry', 'job.yaml'], { API_URL: server.url });
    expect(refused.code).toBe(75);
    expect(refused.stderr).toContain(`output in use: process ${run.process.pid} on `);
    expect(refused.stderr).toMatch(/wait for it to end; it holds out\/_sluice\/lock\.json/);
    isHeld = false;
    waiting.forEach(answer);
    expect(await run.finished).toMatchObject({ code: 0 });
    expect(server.received).toHaveLength(ROWS);
    expect(ledgerOf(folder)).toMatchObject({ succeeded: ROWS, pending: 0 });
  });

  test('with nothing failed it asks nothing', async () => {
    const folder = folderWith();
    await against(folder, 0, 'run', 'job.yaml');
    expect(await against(folder, 0, 'retry', 'job.yaml')).toMatchObject({ code: 0, asked: 0 });
  });

  test('what fails again is a dead letter again, and nothing else of it changes', async () => {
    const folder = folderWith();
    await against(folder, 0.3, 'run', 'job.yaml');
    const [parts, letters] = [partsOf(folder), lettersOf(folder)];
    expect(await against(folder, 1, 'retry', 'job.yaml')).toMatchObject({
      code: 0,
      asked: letters.length,
    });
    expect(lettersOf(folder)).toHaveLength(letters.length);
    expect(partsOf(folder)).toEqual(parts);
  });

  test('--kind and --shard choose; an unknown kind is said, an unknown shard refused', async () => {
    const folder = folderWith();
    await against(folder, 0.3, 'run', 'job.yaml');
    const letters = lettersOf(folder);
    const inFirst = letters.filter(({ row }) => Number(row) < 50).length;
    const parts = partsOf(folder);
    const other = await against(folder, 0, 'retry', 'job.yaml', '--kind', 'timeout');
    expect(other).toMatchObject({ code: 0, asked: 0, stderr: expect.stringMatching(/timeout.*rejected/) });
    expect(await against(folder, 0, 'retry', 'job.yaml', '--shard', '9')).toMatchObject({ code: 2 });
    expect(await against(folder, 0, 'retry', 'job.yaml', '--all', '--shard', '0')).toMatchObject({ code: 2 });
    expect(partsOf(folder)).toEqual(parts);
    const first = await against(folder, 0, 'retry', 'job.yaml', '--kind', 'rejected', '--shard', '0');
    expect(first).toMatchObject({ code: 0, asked: inFirst });
    expect(lettersOf(folder)).toEqual(letters.filter(({ row }) => Number(row) >= 50));
    expect(ledgerOf(folder)).toMatchObject({ failed: letters.length - inFirst, pending: 0 });
  });

  test('failed rows in the journals of pending shards are asked again, too: a run that ended with exit 4 goes on', async () => {
    const folder = folderWith();
    const allowed = ['--set', 'errors.max_failed_rows=10'];
    const first = await against(folder, 0.5, 'run', 'job.yaml', ...allowed);
    expect(first).toMatchObject({ code: 4 });
    expect(await against(folder, 0, 'run', 'job.yaml', ...allowed)).toMatchObject({ code: 4 });
    expect(await against(folder, 0, 'retry', 'job.yaml', ...allowed)).toMatchObject({ code: 0 });
    expect(ledgerOf(folder)).toMatchObject({ succeeded: ROWS, failed: 0, pending: 0 });
  });

  test('killed in its middle: the next run completes the parts, and no answer is asked for twice', async () => {
    const folder = folderWith({ format: 'parquet' });
    await against(folder, 0.3, 'run', 'job.yaml');
    const letters = lettersOf(folder).length;
    await withEmulator({ faults: { hang: 1 } }, async ({ url, stats }) => {
      const run = start(folder, ['retry', 'job.yaml'], { API_URL: url });
      while (stats().requests === 0) await new Promise((resolve) => setTimeout(resolve, 5));
      run.process.kill('SIGKILL');
      await run.finished;
    });
    expect(Object.keys(partsOf(folder))).toHaveLength(3);
    const resumed = await against(folder, 0, 'run', 'job.yaml');
    expect(resumed).toMatchObject({ code: 0, asked: 0 });
    expect(ledgerOf(folder)).toMatchObject({ failed: letters, pending: 0 });
    expect(await against(folder, 0, 'retry', 'job.yaml')).toMatchObject({ code: 0, asked: letters });
    expect(ledgerOf(folder)).toMatchObject({ succeeded: ROWS });
  });

  test('a part that somebody changed is refused, not trusted', async () => {
    const folder = folderWith();
    await against(folder, 0.3, 'run', 'job.yaml');
    const part = join(folder, 'out/part-00000.jsonl');
    writeFileSync(
      part,
      readFileSync(part, 'utf8').replace('POSITIVE', 'NEGATIVE').replace('"id":1', '"id":7'),
    );
    const refused = await against(folder, 0, 'retry', 'job.yaml');
    expect(refused).toMatchObject({
      code: 3,
      asked: 0,
      stderr: expect.stringMatching(/part-00000.*committed/),
    });
  });

  test('a source file that is gone: its failed rows stay as they are, and that is said', async () => {
    const folder = folderWith();
    await against(folder, 0.3, 'run', 'job.yaml', '--set', 'source.path=*.jsonl');
    const parts = partsOf(folder);
    rmSync(join(folder, 'rows.jsonl'));
    writeFileSync(join(folder, 'more.jsonl'), '{"id": 1, "text": "a", "image": "b"}\n');
    const result = await against(folder, 0, 'retry', 'job.yaml', '--set', 'source.path=*.jsonl');
    expect(result).toMatchObject({
      code: 0,
      asked: 1,
      stderr: expect.stringMatching(/rows\.jsonl is gone/),
    });
    expect(partsOf(folder)).toMatchObject(parts);
  });
});
