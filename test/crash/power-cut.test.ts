import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Backend } from '../../src/backends/backend.ts';
import { Engine } from '../../src/duckdb/engine.ts';
import { SluiceError } from '../../src/errors.ts';
import { Layout } from '../../src/runs/layout.ts';
import { ledgerOf, readState } from '../../src/runs/state.ts';
import type { Job } from '../../src/spec/job.ts';
import { temporaryFolder } from '../temporary.ts';
import { committedOf, keptAnswers } from './harness.ts';
import { answering, jobOf, type RunHow, runHere } from './in-process.ts';
import { type DiskState, putState, WatchedDisk } from './power.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await Engine.open();
});
afterAll(() => engine.close());

/** A source file of so many rows under a partition folder; every fourth is refused. */
function writeSource(folder: string, dt: number, rows: number, words: string): void {
  const path = join(folder, `rows/dt=2026-11-0${dt}/rows.jsonl`);
  mkdirSync(dirname(path), { recursive: true });
  const lines = Array.from({ length: rows }, (_, id) =>
    JSON.stringify({ id, text: `${words} ${dt} ${id}${id % 4 === 1 ? ' [[poison]]' : ''}` }),
  );
  writeFileSync(path, `${lines.join('\n')}\n`);
  // A time of its own for each content: the test is faster than the clock of some file systems.
  const time = 1_700_000_000 + words.length;
  utimesSync(path, time, time);
}

function jobIn(folder: string, format: string, model = 'acme/first'): Job {
  return jobOf(`task: text-classification
model: ${model}
source: ${join(folder, 'rows')}
inputs: {text: text}
backend: {type: api, url: "http://127.0.0.1:9"}
limits: {concurrency: 1}
output: {path: ${join(folder, 'out')}, format: ${format}, keep: [id], rows_per_part: 4}
`);
}

/** Answers that tell which model gave them. */
function told(job: Job, options?: { healed: boolean }): Backend & { asked: string[] } {
  const backend = answering(job, options);
  return {
    ...backend,
    call: async (questions, how) => {
      const outcome = await backend.call(questions, how);
      if (!outcome.ok) return outcome;
      const [answer] = outcome.answers as { label: string }[][];
      return {
        ...outcome,
        answers: [answer!.map((one) => ({ ...one, label: `${job.model} ${one.label}` }))],
      };
    },
  };
}

/** States that are resumed of each scenario, spread over all; SLUICE_POWER_CUTS=all takes every one. */
const CUTS = process.env.SLUICE_POWER_CUTS === 'all' ? Number.POSITIVE_INFINITY : 30;

interface Scenario {
  name: string;
  format: string;
  /** What was done before; nothing by default. */
  before?: (folder: string) => Promise<void>;
  model?: string;
  how?: RunHow;
  healed?: boolean;
}

async function run(folder: string, { format, model, how, healed = false }: Scenario): Promise<string[]> {
  const job = jobIn(folder, format, model);
  const backend = told(job, { healed });
  const { ending } = await runHere(job, engine, backend, how);
  if (ending.kind === 'error') throw ending.error;
  expect(ending.kind).toBe('done');
  return backend.asked;
}

const firstRun = (format: string): Scenario => ({ name: 'a first run', format });

const scenarios: Scenario[] = [
  firstRun('parquet'),
  {
    name: 'a retry',
    format: 'arrow',
    before: async (folder) => void (await run(folder, firstRun('arrow'))),
    how: { retry: {} },
    healed: true,
  },
  {
    name: 'a run after files were changed, removed and added, with --prune',
    format: 'jsonl',
    before: async (folder) => {
      await run(folder, firstRun('jsonl'));
      writeSource(folder, 1, 5, 'quite other words');
      rmSync(join(folder, 'rows/dt=2026-11-02'), { recursive: true });
      writeSource(folder, 3, 3, 'new');
    },
    how: { prune: true },
  },
  {
    name: 'a run with --fresh and another model',
    format: 'jsonl',
    before: async (folder) => {
      // With a journal of the other model.
      const job = jobIn(folder, 'jsonl');
      const backend = told(job);
      const refusal = {
        ok: false,
        failure: { class: 'fatal', kind: 'auth', status: 401, message: '401' },
      } as const;
      const call: Backend['call'] = async (...asked) =>
        backend.asked.length < 6 ? backend.call(...asked) : refusal;
      expect((await runHere(job, engine, { ...backend, call })).ending.kind).toBe('fatal');
    },
    model: 'acme/second',
    how: { fresh: true },
  },
];

describe('a power cut', () => {
  test.each(scenarios)(
    'at any moment of $name: resumed, the same output',
    async (scenario) => {
      const folder = temporaryFolder();
      const out = join(folder, 'out');
      writeSource(folder, 1, 10, 'some words');
      writeSource(folder, 2, 3, 'some words');
      mkdirSync(out);
      await scenario.before?.(folder);

      const cuts = new Map<string, Cut>();
      await WatchedDisk.during(
        out,
        (disk) => {
          const certain = disk.certain();
          for (const state of disk.afterPowerCut()) cuts.set(hashOf(state), { state, certain });
        },
        async () => void (await run(folder, scenario)),
      );
      const expected = committedOf(folder);
      expect(cuts.size).toBeGreaterThan(100);
      const every = Math.max(1, Math.floor(cuts.size / CUTS));
      for (const [i, cut] of [...cuts.values()].entries()) {
        if (i % every !== 0) continue;
        try {
          await resume(folder, scenario, cut, expected);
        } catch (error) {
          throw new Error(`left by the power cut:\n${listed(cut.state)}\n${String(error)}`, { cause: error });
        }
      }
    },
    900_000,
  );
});

/** What a power cut left, and what it could not take. */
interface Cut {
  state: DiskState;
  certain: DiskState;
}

async function resume(folder: string, scenario: Scenario, cut: Cut, expected: object): Promise<void> {
  const layout = new Layout(join(folder, 'out'));
  putState(layout.root, cut.certain);
  const promised = keptAnswers(folder);
  putState(layout.root, cut.state);
  expect(keptAnswers(folder)).toBeGreaterThanOrEqual(promised);
  if (existsSync(layout.success)) expect(ledgerOf(await readState(layout))).toMatchObject({ pending: 0 });
  try {
    await run(folder, { ...scenario, how: { ...scenario.how, fresh: false } });
  } catch (error) {
    // `--fresh` is needed for as long as the old plan is there.
    if (!(error instanceof SluiceError) || error.code !== 'JOB_CHANGED') throw error;
    await run(folder, scenario);
  }
  expect(committedOf(folder)).toEqual(expected);
}

const listed = (state: DiskState): string =>
  [...state].map(([path, bytes]) => `  ${path} ${bytes?.length ?? ''}`).join('\n');

function hashOf(state: DiskState): string {
  const hash = createHash('sha256');
  for (const [path, bytes] of state)
    hash.update(`${path}\0${bytes?.length ?? 'folder'}\0`).update(bytes ?? '');
  return hash.digest('hex');
}
