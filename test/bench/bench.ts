import { availableParallelism, cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { embeddings, sentiment } from './answers.ts';
import { measuredRun } from './job.ts';
import { measured } from './measured.ts';
import { describeOnnx, onnxCases } from './onnx.ts';
import { profiled } from './profile.ts';
import type { Stub } from './stub.ts';
import { forkStub } from './stub-process.ts';
import { median } from './taken.ts';

/** The benchmarks by name: `npm run bench` runs all, `npm run bench -- overhead latency` these. */
const benches: Record<string, () => Promise<void>> = { overhead, embedding, latency, memory, onnx };

const bareLoop = join(import.meta.dirname, 'bare-loop.mjs');
const PAIRS = 5;

async function overhead(): Promise<void> {
  say(
    '## overhead: text-classification at zero latency, Parquet to Parquet, 64 in flight, one row a request',
  );
  const rows = 200_000;
  await withStub(sentiment, async ({ url }) => {
    const ratio = await pairs(rows, url, 1, () =>
      measuredRun({ task: 'text-classification', url, rows, format: 'parquet', concurrency: 64 }),
    );
    verdict('the whole job against the bare loop', ratio, 0.5);
    say('\nwhere the main thread of the job spends its time (one further run, profiled):');
    const rooms = await profiled((nodeArgs) =>
      measuredRun({ task: 'text-classification', url, rows, format: 'parquet', concurrency: 64 }, nodeArgs),
    );
    for (const [room, share] of rooms)
      if (share >= 0.01) say(`  ${(share * 100).toFixed(0).padStart(3)} %  ${room}`);
  });
}

async function embedding(): Promise<void> {
  say(
    '## embedding: feature-extraction, 32 rows a request, 384 floats each, Parquet to Parquet, 8 in flight',
  );
  const rows = 64_000;
  await withStub(embeddings(32), async ({ url }) => {
    const ratio = await pairs(rows, url, 32, () =>
      measuredRun({
        task: 'feature-extraction',
        url,
        rows,
        format: 'parquet',
        concurrency: 8,
        batchSize: 32,
      }),
    );
    verdict('the whole job against the bare loop with JSON.parse', ratio, 0.8);
  });
}

async function latency(): Promise<void> {
  say('## latency: answers after 100 ms, 64 in flight');
  const rows = 12_800;
  await withStub(
    sentiment,
    async ({ url }) => {
      const { report, seconds } = await measuredRun({
        task: 'text-classification',
        url,
        rows,
        format: 'parquet',
        concurrency: 64,
      });
      const ideal = 640;
      say(
        `  run ${report.rows_per_s} rows/s; with the start of the process ${(rows / seconds).toFixed(0)} rows/s`,
      );
      verdict('of 640 rows/s', report.rows_per_s / ideal, 0.95);
    },
    100,
  );
}

async function memory(): Promise<void> {
  say('## memory: text-classification, JSONL to JSONL, peak resident memory');
  await withStub(sentiment, async ({ url }) => {
    const peaks: number[] = [];
    for (const rows of [100_000, 1_000_000]) {
      const run = await measuredRun({
        task: 'text-classification',
        url,
        rows,
        format: 'jsonl',
        concurrency: 64,
      });
      peaks.push(run.peakMb);
      say(
        `  ${rows} rows: peak ${run.peakMb.toFixed(0)} MB, ${run.seconds.toFixed(1)} s, CPU ${run.cpuSeconds.toFixed(1)} s`,
      );
    }
    const growth = peaks[1]! / peaks[0]!;
    say(`  growth ${growth.toFixed(2)}, wanted at most 1.30: ${growth <= 1.3 ? 'reached' : 'MISSED'}`);
  });
}

async function onnx(): Promise<void> {
  say(
    '## onnx: jobs on this machine against ONNX Runtime alone; texts of a median of 100 characters, p90 625',
  );
  for (const one of onnxCases) {
    say(`${one.name}, ${one.rows} rows`);
    verdict('ONNX Runtime alone over the job, by CPU time', await describeOnnx(one, 3, say), one.wanted);
  }
}

/**
 * Bare loop and job by turns; the median of the ratios of their rates, from the first request's making to the end.
 * The start of either process is in the CPU figures, and told beside.
 */
async function pairs(
  rows: number,
  url: string,
  batch: number,
  job: () => ReturnType<typeof measuredRun>,
): Promise<number> {
  const concurrency = batch === 1 ? 64 : 8;
  const ratios: number[] = [];
  for (let i = 0; i < PAIRS; i++) {
    const bare = await measured(
      [bareLoop, url, String(rows), String(concurrency), String(batch)],
      process.cwd(),
    );
    const run = await job();
    const { seconds } = JSON.parse(bare.stdout) as { seconds: number };
    ratios.push(seconds / run.report.seconds);
    say(
      `  bare ${perSecond(rows, seconds)} (CPU ${micros(bare.cpuSeconds, rows)}), ` +
        `job ${perSecond(rows, run.report.seconds)} (CPU ${micros(run.cpuSeconds, rows)}, ` +
        `${perSecond(rows, run.seconds)} with the start of the process, peak ${run.peakMb.toFixed(0)} MB)`,
    );
  }
  return median(ratios);
}

async function withStub(answer: unknown, use: (stub: Stub) => Promise<void>, delayMs = 0): Promise<void> {
  const stub = await forkStub(answer, { delayMs });
  try {
    await use(stub);
  } finally {
    await stub.close();
  }
}

function perSecond(rows: number, seconds: number): string {
  return `${Math.round(rows / seconds)} rows/s`;
}

function micros(cpuSeconds: number, rows: number): string {
  return `${((cpuSeconds / rows) * 1e6).toFixed(1)} us/row`;
}

function verdict(what: string, ratio: number, wanted: number): void {
  say(`  ${what}: ${ratio.toFixed(2)}, wanted ${wanted}: ${ratio >= wanted ? 'reached' : 'MISSED'}`);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

const names = process.argv.slice(2);
const unknown = names.filter((name) => !(name in benches));
if (unknown.length > 0)
  throw new Error(`no such benchmark: ${unknown.join(', ')}; there are ${Object.keys(benches).join(', ')}`);
say(
  `machine: ${cpus()[0]?.model ?? 'unknown CPU'}, ${availableParallelism()} cores, ` +
    `${Math.round(totalmem() / 1024 ** 3)} GiB, ${process.platform} ${process.arch}, Node ${process.version}`,
);
for (const name of names.length > 0 ? names : Object.keys(benches)) {
  say('');
  await benches[name]!();
}
