import { cpSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Backend } from '../../src/backends/backend.ts';
import { Engine } from '../../src/duckdb/engine.ts';
import { SluiceError } from '../../src/errors.ts';
import { Layout } from '../../src/runs/layout.ts';
import { RunLock } from '../../src/runs/lock.ts';
import { prepare } from '../../src/runs/prepare.ts';
import { reopenFailed } from '../../src/runs/retry.ts';
import { type RunState, readState } from '../../src/runs/state.ts';
import type { Job } from '../../src/spec/job.ts';
import { findTask } from '../../src/tasks/index.ts';
import { partsOf } from '../e2e/folder.ts';
import { temporaryFolder } from '../temporary.ts';
import { answering, jobOf, runHere } from './in-process.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await Engine.open();
});
afterAll(() => engine.close());

const ROWS = 30;
const FORMATS = ['parquet', 'arrow', 'jsonl'] as const;
const refused = (id: number): boolean => id % 10 === 3;

function jobIn(folder: string, format: string): Job {
  const lines = Array.from({ length: ROWS }, (_, id) =>
    JSON.stringify({ id, text: `row ${id}${refused(id) ? ' [[poison]]' : ''}` }),
  );
  writeFileSync(join(folder, 'rows.jsonl'), `${lines.join('\n')}\n`);
  return jobOf(`task: text-classification
model: acme/sentiment
source: ${join(folder, 'rows.jsonl')}
inputs: {text: text}
backend: {type: api, url: "http://127.0.0.1:9"}
limits: {concurrency: 1}
output: {path: ${join(folder, 'out')}, format: ${format}, keep: [id], rows_per_part: 10}
`);
}

/** A run that was ended from outside when so many rows had been asked: its shards are pending, with their journals. */
async function half(job: Job, rows: number): Promise<void> {
  const whole = answering(job);
  const backend: Backend = {
    ...whole,
    call: async (questions, options) =>
      whole.asked.length < rows
        ? whole.call(questions, options)
        : { ok: false, failure: { class: 'fatal', kind: 'auth', status: 401, message: '401' } },
  };
  expect((await runHere(job, engine, backend)).ending.kind).toBe('fatal');
}

/** Runs to the end, or is refused with words. */
async function resume(job: Job): Promise<'done' | 'refused'> {
  try {
    const { ending } = await runHere(job, engine, answering(job));
    if (ending.kind === 'error') throw ending.error;
    expect(ending.kind).toBe('done');
    return 'done';
  } catch (error) {
    expect(error).toBeInstanceOf(SluiceError);
    expect((error as SluiceError).next).toBeTruthy();
    return 'refused';
  }
}

/** Every way to cut a file short, and every byte of it with one bit flipped, the lowest or the highest. */
function* damages(bytes: Buffer, step = 1): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += step) {
    yield bytes.subarray(0, at);
    for (const bit of [1, 0x80]) {
      const flipped = Buffer.from(bytes);
      flipped[at]! ^= bit;
      yield flipped;
    }
  }
}

const filesIn = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();

describe('torn and damaged files of the run directory', () => {
  test('plan and commit records: cut at any byte or with any byte changed, they are refused or say the same', async () => {
    const job = jobIn(temporaryFolder(), 'jsonl');
    await runHere(job, engine, answering(job));
    const layout = new Layout(job.output.path);
    const whole = await readState(layout);
    let refusals = 0;
    for (const path of [layout.plan, layout.record(1)]) {
      const bytes = readFileSync(path);
      for (const damaged of damages(bytes)) {
        writeFileSync(path, damaged);
        const state = await readState(layout).catch((error: unknown) => error);
        if (state instanceof SluiceError) refusals++;
        // More than was there: the checksum's own name was hit.
        else expect(plain(state)).toMatchObject(plain(whole));
      }
      writeFileSync(path, bytes);
    }
    expect(refusals).toBeGreaterThan(2000);
  });

  test('dead letters: retry refuses what is not what was committed', async () => {
    const job = jobIn(temporaryFolder(), 'jsonl');
    const { plan, records } = await runHere(job, engine, answering(job));
    const layout = new Layout(job.output.path);
    const { prepared } = await prepare(job, findTask(job.task)!, engine, () => ({ file: '' }));
    const path = layout.deadLetters(0);
    for (const damaged of damages(readFileSync(path))) {
      writeFileSync(path, damaged);
      const context = { prepared: prepared!, plan, records, layout, engine };
      await expect(reopenFailed(context, {})).rejects.toMatchObject({ code: 'STATE_DAMAGED' });
    }
    expect(records.size).toBe(3);
    prepared!.dataset.close();
  });

  test('lock: cut at any byte, it does not block', async () => {
    const path = join(temporaryFolder(), 'lock.json');
    const owner = JSON.stringify({ host: 'elsewhere', pid: 1, id: 'x', started: '', heartbeat: new Date(0) });
    for (let cut = 0; cut < owner.length; cut++) {
      writeFileSync(path, owner.slice(0, cut));
      await (await RunLock.acquire(path, 0)).lock.release();
    }
  });

  test.each(FORMATS)(
    'journals: whatever is damaged, the resumed run writes the same parts: %s',
    async (format) => {
      const [quiet, folder, saved] = [temporaryFolder(), temporaryFolder(), temporaryFolder()];
      const job = jobIn(folder, format);
      const whole = jobIn(quiet, format);
      await runHere(whole, engine, answering(whole));
      await half(job, 14);
      cpSync(folder, saved, { recursive: true, preserveTimestamps: true });
      const journals = filesIn(join(saved, 'out/_sluice/journal'));
      expect(journals.length).toBeGreaterThan(0);
      for (const journal of journals) {
        const bytes = readFileSync(journal);
        for (const damaged of damages(bytes, Math.ceil(bytes.length / 12))) {
          restore(saved, folder);
          writeFileSync(journal.replace(saved, folder), damaged);
          expect(await resume(job)).toBe('done');
          expect(partsOf(folder)).toEqual(partsOf(quiet));
        }
      }
    },
  );

  test.each(FORMATS)(
    'any file deleted or emptied: the same parts, or a refusal with words: %s',
    async (format) => {
      const [quiet, folder, saved] = [temporaryFolder(), temporaryFolder(), temporaryFolder()];
      const job = jobIn(folder, format);
      const whole = jobIn(quiet, format);
      await runHere(whole, engine, answering(whole));
      await half(job, 14);
      cpSync(folder, saved, { recursive: true, preserveTimestamps: true });
      const found: Record<string, string> = {};
      for (const file of filesIn(join(saved, 'out'))) {
        for (const [how, damage] of [
          ['deleted', rmSync],
          ['emptied', truncateSync],
        ] as const) {
          // An emptied part is for `status --verify`: a run reads nothing of what is committed.
          if (how === 'emptied' && !file.includes('_sluice')) continue;
          restore(saved, folder);
          damage(file.replace(saved, folder));
          const outcome = await resume(job);
          found[`${how} ${file.slice(saved.length + 5)}`] = outcome;
          if (outcome === 'done') expect(partsOf(folder)).toEqual(partsOf(quiet));
        }
      }
      expect(Object.entries(found).filter(([, outcome]) => outcome === 'refused')).toEqual([
        ['deleted _sluice/plan.json', 'refused'],
        ['emptied _sluice/plan.json', 'refused'],
        ['emptied _sluice/shards/00000.json', 'refused'],
      ]);
    },
  );

  test('a journal of a later version is refused and left as it is: its answers were paid for', async () => {
    const folder = temporaryFolder();
    const job = jobIn(folder, 'jsonl');
    await half(job, 14);
    const [journal] = filesIn(join(folder, 'out/_sluice/journal'));
    const later = Buffer.from(readFileSync(journal!));
    later.write('SLUICEJ2', 'latin1');
    writeFileSync(journal!, later);
    expect(await resume(job)).toBe('refused');
    expect(readFileSync(journal!)).toEqual(later);
  });
});

function plain(state: unknown): object {
  const { plan, records } = state as RunState;
  return { plan, records: Object.fromEntries(records) };
}

function restore(saved: string, folder: string): void {
  rmSync(join(folder, 'out'), { recursive: true });
  cpSync(join(saved, 'out'), join(folder, 'out'), { recursive: true, preserveTimestamps: true });
}
