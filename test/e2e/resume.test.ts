import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { temporaryFolder } from '../temporary.ts';
import { withEmulator } from './emulated.ts';
import { sluice, start } from './sluice.ts';

interface JobChanges {
  source?: string;
  keep?: string;
  template?: string;
  limits?: string;
}

function folderWith(url: string, rows: number): string {
  const folder = temporaryFolder();
  writeRows(join(folder, 'rows.jsonl'), rows);
  writeJob(folder, url);
  return folder;
}

function writeRows(path: string, rows: number, word = 'row'): void {
  const lines = Array.from({ length: rows }, (_, id) => `${JSON.stringify({ id, text: `${word} ${id}` })}\n`);
  writeFileSync(path, lines.join(''));
}

function writeJob(folder: string, url: string, changes: JobChanges = {}): void {
  writeFileSync(
    join(folder, 'job.yaml'),
    `task: text-classification
model: acme/sentiment
source: ${changes.source ?? 'rows.jsonl'}
inputs: {text: "${changes.template ?? '{{ text }}'}"}
backend: {type: api, url: "${url}"}
limits: ${changes.limits ?? '{concurrency: 8}'}
output: {path: out, format: jsonl, keep: ${changes.keep ?? '[id]'}, rows_per_part: 50}
`,
  );
}

function idsIn(folder: string): number[] {
  const out = join(folder, 'out');
  return readdirSync(out, { recursive: true, encoding: 'utf8' })
    .filter((name) => /part-\d+\.jsonl$/.test(name))
    .sort()
    .flatMap((name) => readFileSync(join(out, name), 'utf8').trim().split('\n'))
    .map((line) => JSON.parse(line).id);
}

const upTo = (rows: number) => Array.from({ length: rows }, (_, id) => id);

describe('the same job again', () => {
  test('rows of a --limit run are not asked again by the whole run', async () => {
    await withEmulator({}, async (emulator) => {
      const folder = folderWith(emulator.url, 230);
      expect(await sluice(folder, ['run', 'job.yaml', '--limit', '70'])).toMatchObject({ code: 0 });
      expect(emulator.stats().requests).toBe(70);
      expect(idsIn(folder)).toEqual(upTo(70));
      expect(await sluice(folder, ['run', 'job.yaml'])).toMatchObject({ code: 0 });
      expect(emulator.stats().requests).toBe(230);
      expect(idsIn(folder)).toEqual(upTo(230));
    });
  });

  test('a new file becomes new parts, a changed one is done again, and nothing else is asked', async () => {
    await withEmulator({}, async (emulator) => {
      const folder = temporaryFolder();
      for (const day of ['2026-11-01', '2026-11-02'])
        mkdirSync(join(folder, `lake/dt=${day}`), { recursive: true });
      writeRows(join(folder, 'lake/dt=2026-11-01/a.jsonl'), 60);
      writeRows(join(folder, 'lake/dt=2026-11-02/a.jsonl'), 60);
      writeJob(folder, emulator.url, { source: 'lake', keep: '[id, dt]' });
      expect(await sluice(folder, ['run', 'job.yaml'])).toMatchObject({ code: 0 });
      expect(emulator.stats().requests).toBe(120);
      mkdirSync(join(folder, 'lake/dt=2026-11-03'));
      writeRows(join(folder, 'lake/dt=2026-11-03/a.jsonl'), 10);
      writeRows(join(folder, 'lake/dt=2026-11-01/a.jsonl'), 61, 'another row');
      expect(await sluice(folder, ['run', 'job.yaml'])).toMatchObject({ code: 0 });
      expect(emulator.stats().requests).toBe(120 + 10 + 61);
      expect(idsIn(folder)).toEqual([...upTo(61), ...upTo(60), ...upTo(10)]);
      const [first] = readFileSync(join(folder, 'out/dt=2026-11-01/part-00000.jsonl'), 'utf8').split('\n');
      expect(JSON.parse(first!)).toMatchObject({ id: 0, dt: '2026-11-01' });
      expect(readdirSync(join(folder, 'out'))).toContain('_SUCCESS');
    });
  });

  test('another question is refused with what changed; --fresh asks it; free fields may change', async () => {
    await withEmulator({}, async (emulator) => {
      const folder = folderWith(emulator.url, 20);
      expect(await sluice(folder, ['run', 'job.yaml'])).toMatchObject({ code: 0 });
      writeJob(folder, emulator.url, { limits: '{concurrency: 2, timeout_s: 5}' });
      expect(await sluice(folder, ['run', 'job.yaml'])).toMatchObject({ code: 0 });
      expect(emulator.stats().requests).toBe(20);
      writeJob(folder, emulator.url, { template: 'I say: {{ text }}' });
      const refused = await sluice(folder, ['run', 'job.yaml']);
      expect(refused.code).toBe(2);
      expect(refused.stderr).toMatch(/inputs/);
      expect(refused.stderr).toMatch(/--fresh/);
      expect(readdirSync(join(folder, 'out'))).toContain('_SUCCESS');
      expect(emulator.stats().requests).toBe(20);
      expect(await sluice(folder, ['run', 'job.yaml', '--fresh'])).toMatchObject({ code: 0 });
      expect(emulator.stats().requests).toBe(40);
    });
  });

  test('while another run is at work: exit 75, with who it is; a lock of the dead is taken over', async () => {
    await withEmulator({ latencyMs: 200 }, async (emulator) => {
      const folder = folderWith(emulator.url, 400);
      const first = start(folder, ['run', 'job.yaml', '--log-format', 'json']);
      while (emulator.stats().requests === 0) await new Promise((resolve) => setTimeout(resolve, 5));
      const second = await sluice(folder, ['run', 'job.yaml']);
      expect(second.code).toBe(75);
      expect(second.stderr).toContain(String(first.process.pid));
      first.process.kill('SIGKILL');
      await first.finished;
      const third = await sluice(folder, ['run', 'job.yaml', '--set', 'limits.concurrency=64']);
      expect(third).toMatchObject({ code: 0, stderr: expect.stringMatching(/took over/) });
      expect(idsIn(folder)).toEqual(upTo(400));
    });
  });
});

describe('signals', () => {
  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    // The terminal was closed.
    ['SIGHUP', 143],
  ] as const)('%s: what is in flight is journaled and not asked again; exit %i', async (signal, code) => {
    await withEmulator({ latencyMs: 100 }, async (emulator) => {
      const folder = folderWith(emulator.url, 200);
      const run = start(folder, ['run', 'job.yaml', '--log-format', 'json']);
      while (emulator.stats().requests < 60) await new Promise((resolve) => setTimeout(resolve, 5));
      run.process.kill(signal);
      expect(await run.finished).toMatchObject({ code });
      expect(await sluice(folder, ['run', 'job.yaml'])).toMatchObject({ code: 0 });
      expect(emulator.stats().requests).toBe(200);
      expect(idsIn(folder)).toEqual(upTo(200));
    });
  });

  test('TERM does not wait for ever: it gives up in time for docker stop', async () => {
    await withEmulator({ faults: { hang: 1 } }, async (emulator) => {
      const folder = folderWith(emulator.url, 200);
      const run = start(folder, ['run', 'job.yaml', '--log-format', 'json']);
      while (emulator.stats().requests === 0) await new Promise((resolve) => setTimeout(resolve, 5));
      const began = performance.now();
      run.process.kill('SIGTERM');
      expect(await run.finished).toMatchObject({ code: 143, signal: null });
      expect(performance.now() - began).toBeLessThan(10_000);
    });
  });

  test('a second one leaves at once, with the same exit code', async () => {
    await withEmulator({ faults: { hang: 1 } }, async (emulator) => {
      const folder = folderWith(emulator.url, 200);
      const run = start(folder, ['run', 'job.yaml', '--log-format', 'json']);
      while (emulator.stats().requests === 0) await new Promise((resolve) => setTimeout(resolve, 5));
      run.process.kill('SIGINT');
      await run.said(/once more leaves at once/);
      run.process.kill('SIGINT');
      expect(await run.finished).toMatchObject({
        code: 130,
        signal: null,
        stderr: expect.stringContaining('left at once; what was answered before is journaled'),
      });
    });
  }, 20_000);
});
