import { expect, test } from 'vitest';
import { sentiment } from '../bench/answers.ts';
import { measuredRun } from '../bench/job.ts';
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
