import { randomBytes } from 'node:crypto';
import { linkSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { sentiment } from '../bench/answers.ts';
import { measuredRun } from '../bench/job.ts';
import { measured } from '../bench/measured.ts';
import { forkStub } from '../bench/stub-process.ts';

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
    const main = resolve(import.meta.dirname, '../../dist/cli/main.js');
    const { peakMb } = await measured([main, 'run', 'job.yaml', '--quiet'], folder);
    console.info(`peak RSS: ${peakMb.toFixed(0)} MB for 1,000 MB of images`);
    expect(peakMb).toBeLessThan(950);
  } finally {
    rmSync(folder, { recursive: true });
    await stub.close();
  }
}, 120_000);
