import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Backend, RowRefused } from '../../src/backends/backend.ts';
import { Engine } from '../../src/duckdb/engine.ts';
import { Exit, messageOf, SluiceError } from '../../src/errors.ts';
import type { Ledger } from '../../src/runs/ledger.ts';
import type { Job } from '../../src/spec/job.ts';
import { findTask } from '../../src/tasks/index.ts';
import { answersOf, runnerOf } from '../backends/onnx/kit.ts';
import { jobOf, runHere } from '../crash/in-process.ts';

/**
 * The process in which corrupt-inputs.test.ts runs its jobs, all of them, one after the other: what one of them does to
 * a process (a crash, a hang, memory) ends or stops this one, and not the tests.
 */

/** A job over something that is damaged. */
export interface DamagedJob {
  source: object;
  task: string;
  inputs: object;
  keep: '*' | string[];
  /** Folder of a model that answers; without it everything that is sent is answered. */
  model?: string;
}

/** What became of it. */
export interface Ended {
  exit: number;
  /** Message and next step, as the user reads them. */
  message: string;
  next: string;
  ledger: Ledger | undefined;
  /** Rows of the output, without result columns. */
  rows: Record<string, unknown>[];
  /** SHA-256 of the images or sounds that were sent, or the texts. */
  sent: string[];
  /** The most memory that the process has taken so far. */
  peakMb: number;
}

process.once('message', async (jobs: DamagedJob[]) => {
  const engine = await Engine.open();
  for (const job of jobs) process.send?.(await ended(job, engine));
  await engine.close();
  process.disconnect();
});

async function ended(damaged: DamagedJob, engine: Engine): Promise<Ended> {
  const out = mkdtempSync(join(tmpdir(), 'sluice-test-'));
  const sent: string[] = [];
  const told = { message: '', next: '', ledger: undefined, rows: [], sent };
  try {
    const job = jobOf(yamlOf(damaged, out));
    const backend = damaged.model === undefined ? answering(job, sent) : await decoding(job, damaged.model);
    const { outcome, ledger } = await runHere(job, engine, backend);
    const { exit, message = '', next = '' } = outcome;
    return { ...told, exit, message, next, ledger, rows: rowsIn(out), peakMb: peakMb() };
  } catch (error) {
    if (!(error instanceof SluiceError))
      return { ...told, exit: Exit.bug, message: messageOf(error), peakMb: peakMb() };
    const { exit, message, next = '' } = error;
    return { ...told, exit, message, next, peakMb: peakMb() };
  } finally {
    rmSync(out, { recursive: true });
  }
}

function yamlOf({ source, task, inputs, keep }: DamagedJob, out: string): string {
  // JSON is YAML.
  return JSON.stringify({
    task,
    model: 'acme/any',
    source,
    inputs,
    backend: { type: 'api', url: 'http://127.0.0.1:9' },
    output: { path: out, format: 'jsonl', keep, prefix: 'result_' },
  });
}

/** A server that looks at nothing. */
function answering(job: Job, sent: string[]): Backend {
  const task = findTask(job.task)!;
  return {
    maxBatch: 1,
    ready: async () => undefined,
    async call([question]) {
      const { inputs, parameters } = question!;
      const media = (inputs.image ?? inputs.audio) as { bytes: Uint8Array } | undefined;
      sent.push(media === undefined ? String(inputs.text) : sha256(media.bytes));
      return { ok: true, answers: [task.emulate(inputs, parameters)], status: 200 };
    },
    preview: () => '',
    close: async () => undefined,
  };
}

/** A model of this machine in this process, where its memory is counted. */
async function decoding(job: Job, folder: string): Promise<Backend> {
  const runner = await runnerOf(folder, job.task);
  return {
    maxBatch: 1,
    ready: async () => undefined,
    async call(questions) {
      const answers = await answersOf(runner, questions);
      const refused = (answer: unknown) =>
        answer instanceof Error ? new RowRefused('rejected', answer.message) : answer;
      return { ok: true, answers: answers.map(refused), status: 200 };
    },
    preview: () => '',
    close: async () => undefined,
  };
}

function rowsIn(out: string): Record<string, unknown>[] {
  return readdirSync(out, { recursive: true, encoding: 'utf8' })
    .filter((name) => /part-\d+\.jsonl$/.test(name))
    .sort()
    .flatMap((name) => readFileSync(join(out, name), 'utf8').split('\n'))
    .filter((line) => line !== '')
    .map((line) => {
      const entries = Object.entries(JSON.parse(line) as object);
      return Object.fromEntries(entries.filter(([key]) => !key.startsWith('result_')));
    });
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function peakMb(): number {
  return process.resourceUsage().maxRSS / 1024;
}
