import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Engine } from '../../src/duckdb/engine.ts';
import { quoteLiteral } from '../../src/duckdb/quote.ts';
import type { Report } from '../../src/runs/report.ts';
import { type Measured, measured } from './measured.ts';

/** The command line as it is shipped. */
const main = resolve(import.meta.dirname, '../../dist/cli/main.js');

export interface BenchJob {
  task: 'text-classification' | 'feature-extraction';
  url: string;
  rows: number;
  /** Format of the source and of the output. */
  format: 'parquet' | 'jsonl';
  concurrency: number;
  batchSize?: number;
}

/** A whole run, measured from outside, with its own report. */
export interface MeasuredRun extends Measured {
  report: Report;
}

/** Makes a table of that many rows, runs a job over it in a process of its own, and removes both. */
export async function measuredRun(job: BenchJob, nodeArgs: string[] = []): Promise<MeasuredRun> {
  const batchSize = job.batchSize ?? 1;
  const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-'));
  try {
    await writeTable(join(folder, `rows.${job.format}`), job);
    writeFileSync(
      join(folder, 'job.yaml'),
      `task: ${job.task}
model: acme/model
source: rows.${job.format}
inputs: {text: text}
backend: {type: api, url: "${job.url}"}
limits: {concurrency: ${job.concurrency}, batch_size: ${batchSize}}
output: {path: out, format: ${job.format}, keep: [id], rows_per_part: ${rowsPerPart(batchSize)}}
`,
    );
    const run = await measured([main, 'run', 'job.yaml', '--quiet'], folder, nodeArgs);
    const report = JSON.parse(readFileSync(join(folder, 'out/_sluice/report.json'), 'utf8')) as Report;
    if (report.ledger.succeeded !== job.rows)
      throw new Error(`not every row succeeded: ${JSON.stringify(report)}`);
    // The stub answers whole batches only: a short one would be halved to single rows, and measure that.
    if (report.requests !== Math.ceil(job.rows / batchSize))
      throw new Error(`not the requests of the bare loop: ${JSON.stringify(report)}`);
    return { ...run, report };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** About the default of 10,000, in whole batches. */
function rowsPerPart(batchSize: number): number {
  return Math.floor(10_000 / batchSize) * batchSize;
}

/** The same requests as the bare loop's. */
async function writeTable(path: string, { rows, format }: BenchJob): Promise<void> {
  const engine = await Engine.open();
  try {
    await engine.run(
      `COPY (SELECT range AS id, 'It is a way I have of driving off the spleen and regulating the circulation, said row ' || range AS text
       FROM range(${rows})) TO ${quoteLiteral(path)} (FORMAT ${format === 'jsonl' ? 'json' : 'parquet'})`,
    );
  } finally {
    await engine.close();
  }
}
