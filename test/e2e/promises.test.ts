import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Emulator } from '../../src/emulator/emulator.ts';
import { spreadFaults } from '../../src/emulator/faults.ts';
import { temporaryFolder } from '../temporary.ts';
import { withEmulator } from './emulated.ts';
import { sluice, start } from './sluice.ts';

const moby = resolve(import.meta.dirname, '../../fixtures/quickstart/moby-dick.parquet');

interface JobChanges {
  format?: string;
  rowsPerPart?: number;
  source?: string;
  limits?: string;
  task?: string;
  retry?: string;
}

function writeJob(folder: string, url: string, changes: JobChanges = {}): void {
  writeFileSync(
    join(folder, 'job.yaml'),
    `task: ${changes.task ?? 'text-classification'}
model: acme/sentiment
source: ${changes.source ?? moby}
inputs: {text: text}
backend: {type: api, url: "${url}"}
limits: ${changes.limits ?? '{concurrency: 16}'}
retry: ${changes.retry ?? '{base_delay_ms: 20, max_delay_ms: 200}'}
output: {path: out, format: ${changes.format ?? 'parquet'}, keep: [chapter, sentence, text], rows_per_part: ${changes.rowsPerPart ?? 500}}
`,
  );
}

/** SHA-256 of every part, by name. */
function parts(folder: string): Record<string, string> {
  const names = readdirSync(join(folder, 'out'), { recursive: true, encoding: 'utf8' }).filter((name) =>
    /part-\d+\./.test(name),
  );
  return Object.fromEntries(
    names.sort().map((name) => [
      name,
      createHash('sha256')
        .update(readFileSync(join(folder, 'out', name)))
        .digest('hex'),
    ]),
  );
}

const ledger = async (folder: string) =>
  JSON.parse((await sluice(folder, ['status', 'out', '--json'])).stdout).ledger;

describe('a run', () => {
  test.each(['parquet', 'arrow', 'jsonl'])(
    'writes every row once and in order, and a second run asks nothing: %s',
    async (format) => {
      await withEmulator({}, async (emulator) => {
        const folder = temporaryFolder();
        writeJob(folder, emulator.url, { format });
        expect(await sluice(folder, ['run', 'job.yaml'])).toMatchObject({ code: 0 });
        expect(await ledger(folder)).toEqual({
          read: 3000,
          succeeded: 3000,
          failed: 0,
          filtered: 0,
          pending: 0,
        });
        const before = parts(folder);
        expect(Object.keys(before)).toHaveLength(6);
        const asked = emulator.stats().requests;
        expect(asked).toBe(3000);
        expect(await sluice(folder, ['run', 'job.yaml'])).toMatchObject({ code: 0 });
        expect(emulator.stats().requests).toBe(asked);
        expect(parts(folder)).toEqual(before);
      });
    },
  );

  test('through an endpoint that fails 12 % of requests in all ways, no row is lost, wrong or doubled', async () => {
    const [quiet, noisy] = [temporaryFolder(), temporaryFolder()];
    await withEmulator({}, async (emulator) => {
      writeJob(quiet, emulator.url);
      expect(await sluice(quiet, ['run', 'job.yaml'])).toMatchObject({ code: 0 });
    });
    await withEmulator(
      { loadingS: 1, faults: spreadFaults(0.12), retryAfterS: 1, slowS: 0.3 },
      async (emulator) => {
        writeJob(noisy, emulator.url, { limits: '{concurrency: 32, timeout_s: 2}' });
        expect(await sluice(noisy, ['run', 'job.yaml'])).toMatchObject({ code: 0 });
        expect(await ledger(noisy)).toEqual({
          read: 3000,
          succeeded: 3000,
          failed: 0,
          filtered: 0,
          pending: 0,
        });
        expect(Object.keys(emulator.stats().faults).length).toBeGreaterThan(4);
      },
    );
    expect(parts(noisy)).toEqual(parts(quiet));
    // Pauses that servers ask for are waited out for real.
  }, 240_000);

  test('a row that the server refuses is a failed row with its words; its neighbours succeed', async () => {
    await withEmulator({}, async (emulator) => {
      const folder = temporaryFolder();
      const rows = Array.from({ length: 100 }, (_, i) => ({
        text: i % 10 === 3 ? `row ${i} [[poison]]` : `row ${i}`,
        chapter: i,
        sentence: i,
      }));
      writeFileSync(join(folder, 'rows.jsonl'), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
      writeJob(folder, emulator.url, { source: 'rows.jsonl', format: 'jsonl', rowsPerPart: 1000 });
      expect(await sluice(folder, ['run', 'job.yaml'])).toMatchObject({ code: 0 });
      const written = readFileSync(join(folder, 'out/part-00000.jsonl'), 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line));
      expect(written.map((row) => row.chapter)).toEqual(rows.map((row) => row.chapter));
      for (const row of written) {
        if (row.text.includes('poison'))
          expect(row).toMatchObject({ label: null, error: expect.stringMatching(/400/) });
        else expect(row).toMatchObject({ label: expect.any(String), error: null });
      }
      const letters = readFileSync(join(folder, 'out/_sluice/errors/00000.jsonl'), 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line));
      expect(letters.map((letter) => letter.row)).toEqual([3, 13, 23, 33, 43, 53, 63, 73, 83, 93]);
      expect(letters[0]).toMatchObject({
        file: 'rows.jsonl',
        stage: 'call',
        kind: 'rejected',
        status: 400,
        attempts: 1,
      });
    });
  });
});

describe('kill -9', () => {
  test('at 20 random moments, resumed each time: the same bytes, and little paid twice', async () => {
    const [quiet, killed] = [temporaryFolder(), temporaryFolder()];
    const random = mulberry(20261124);
    await withEmulator({ latencyMs: 20 }, async (emulator) => {
      writeJob(quiet, emulator.url);
      expect(await sluice(quiet, ['run', 'job.yaml'])).toMatchObject({ code: 0 });
    });
    await withEmulator({ latencyMs: 20 }, async (emulator) => {
      writeJob(killed, emulator.url);
      let kills = 0;
      let paid = 0;
      for (let attempt = 0; attempt < 60 && kills < 20; attempt++) {
        const before = emulator.stats().requests;
        const run = start(killed, ['run', 'job.yaml', '--log-format', 'json']);
        // A random number of further answers, then the kill: at any moment of reading, asking, syncing or committing.
        const target = before + Math.floor(random() * 240);
        const ended = await Promise.race([
          run.finished.then(() => true),
          reached(emulator, target).then(() => false),
        ]);
        if (ended) break;
        run.process.kill('SIGKILL');
        await run.finished;
        kills++;
        paid = emulator.stats().requests;
      }
      expect(kills).toBe(20);
      expect(paid).toBeGreaterThan(0);
      expect(await sluice(killed, ['run', 'job.yaml'])).toMatchObject({ code: 0 });
      expect(parts(killed)).toEqual(parts(quiet));
      // A kill costs what was in flight (16) and the groups that were filling or being synced: 50 ms each where the
      // machine is quiet, at 16 answers each 20 ms; four times that where it is not.
      expect(emulator.stats().requests - 3000).toBeLessThanOrEqual(kills * (16 + 4 * 40));
    });
  }, 240_000);
});

/** Resolves when the emulator has had so many requests. */
async function reached(emulator: Emulator, requests: number): Promise<void> {
  while (emulator.stats().requests < requests) await new Promise((resolve) => setTimeout(resolve, 1));
}

/** A small seeded generator (mulberry32), so that a failure can be run again. */
function mulberry(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
