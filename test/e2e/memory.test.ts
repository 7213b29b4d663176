import { randomBytes } from 'node:crypto';
import { linkSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import { sentiment } from '../bench/answers.ts';
import { measuredRun } from '../bench/job.ts';
import { measured } from '../bench/measured.ts';
import { ran } from '../bench/ran.ts';
import { forkStub } from '../bench/stub-process.ts';
import { temporaryFolder } from '../temporary.ts';

const main = resolve(import.meta.dirname, '../../dist/cli/main.js');

test('memory does not grow with the rows: 1,000,000 peak within 1.3 times of 100,000', async () => {
  const stub = await forkStub(sentiment);
  try {
    const job = { task: 'text-classification', url: stub.url, format: 'jsonl', concurrency: 64 } as const;
    const small = await measuredRun({ ...job, rows: 100_000 });
    const large = await measuredRun({ ...job, rows: 1_000_000 });
    console.info(
      `peak RSS: ${small.peakMb.toFixed(0)} MB at 100,000 rows, ${large.peakMb.toFixed(0)} MB at 1,000,000`,
    );
    expect(large.peakMb / small.peakMb).toBeLessThanOrEqual(1.3);
  } finally {
    await stub.close();
  }
}, 400_000);

test('memory does not grow with the images: 250 of 4 MB peak below their gigabyte', async () => {
  const stub = await forkStub(sentiment);
  const folder = mkdtempSync(join(tmpdir(), 'sluice-wide-'));
  try {
    const image = Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), randomBytes(4e6)]);
    writeFileSync(join(folder, '0.png'), image);
    for (let i = 1; i < 250; i++) linkSync(join(folder, '0.png'), join(folder, `${i}.png`));
    writeFileSync(
      join(folder, 'job.yaml'),
      `task: image-classification
model: acme/model
source: {path: "*.png", format: files}
inputs: {image: content}
backend: {type: api, url: "${stub.url}"}
limits: {concurrency: 4}
output: {path: out, format: jsonl}
`,
    );
    const { peakMb } = await measured([main, 'run', 'job.yaml', '--quiet'], folder);
    console.info(`peak RSS: ${peakMb.toFixed(0)} MB for 1,000 MB of images`);
    expect(peakMb).toBeLessThan(950);
  } finally {
    rmSync(folder, { recursive: true });
    await stub.close();
  }
}, 120_000);

test('memory does not grow with the rows of a local model: 200,000, in the main process and in each worker', async () => {
  const folder = temporaryFolder();
  const rows = Array.from({ length: 200_000 }, (_, i) => `{"id": ${i}, "text": "not bad, said row ${i}"}\n`);
  writeFileSync(join(folder, 'rows.jsonl'), rows.join(''));
  writeFileSync(
    join(folder, 'job.yaml'),
    `task: text-classification
model: sluice/afinn-sentiment
source: rows.jsonl
inputs: {text: text}
backend: {type: onnx, workers: 2, model_dir: ${resolve(import.meta.dirname, '../../fixtures/models')}}
output: {path: out, format: jsonl, keep: [id], rows_per_part: 5000}
`,
  );
  const look = pathToFileURL(join(import.meta.dirname, 'resident.mjs')).href;
  const args = ['--expose-gc', '--import', look, main, 'run', 'job.yaml', '--quiet'];
  await ran(process.execPath, args, folder);
  const looks = JSON.parse(readFileSync(join(folder, 'looks.json'), 'utf8')) as {
    shards: number;
    mb: number[];
  }[];
  const between = (from: number, to: number) =>
    [0, 1, 2, 3].map((size) =>
      Math.min(...looks.flatMap(({ shards, mb }) => (shards >= from && shards < to ? [mb[size]!] : []))),
    );
  // The first 80,000 rows warm up heaps, arenas and buffers. Low points: how much of the shards in work is in memory
  // at a look differs from one to the next.
  const [middle, last] = [between(16, 28), between(28, 40)];
  const words = (sizes: readonly number[]) => sizes.map((mb) => mb.toFixed(0)).join(', ');
  console.info(`held, RSS, RSS of the workers: ${words(middle)} MB, then ${words(last)} MB`);
  const growth = last.map((mb, size) => mb / middle[size]!);
  for (const [size, most] of [1.1, 1.1, 1.05, 1.05].entries()) expect(growth[size]).toBeLessThan(most);
}, 240_000);
