import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Emulator } from '../../src/emulator/emulator.ts';
import { temporaryFolder } from '../temporary.ts';
import { withEmulator } from './emulated.ts';
import { sluice, start } from './sluice.ts';

const rows = 200;

function folderWith(url: string, more = ''): string {
  const folder = temporaryFolder();
  const lines = Array.from({ length: rows }, (_, id) => `${JSON.stringify({ id, text: `row ${id}` })}\n`);
  writeFileSync(join(folder, 'rows.jsonl'), lines.join(''));
  writeFileSync(
    join(folder, 'job.yaml'),
    `task: feature-extraction
model: acme/embeddings
source: rows.jsonl
inputs: {text: text}
backend: {url: "${url}"}
limits: {concurrency: 4}
${more}
output: {path: out, format: arrow, keep: [id], rows_per_part: 20}
`,
  );
  return folder;
}

/** SHA-256 of every part, by name. */
function parts(folder: string): Record<string, string> {
  const names = readdirSync(join(folder, 'out')).filter((name) => name.startsWith('part-'));
  const hash = (name: string) => createHash('sha256').update(readFileSync(join(folder, 'out', name)));
  return Object.fromEntries(names.sort().map((name) => [name, hash(name).digest('hex')]));
}

const isComplete = (folder: string) => existsSync(join(folder, 'out/_SUCCESS'));

async function asked(emulator: Emulator, requests: number): Promise<void> {
  while (emulator.stats().requests < requests) await new Promise((resolve) => setTimeout(resolve, 5));
}

describe('run --shard', () => {
  test('three at once do every row once, and the parts are those of one run', async () => {
    await withEmulator({ latencyMs: 20 }, async (emulator) => {
      const [alone, shared] = [folderWith(emulator.url), folderWith(emulator.url)];
      expect(await sluice(alone, ['run', 'job.yaml'])).toMatchObject({ code: 0 });
      expect(emulator.stats().requests).toBe(rows);
      const runs = ['1/3', '2/3', '3/3'].map((share) =>
        sluice(shared, ['run', 'job.yaml', '--shard', share]),
      );
      for (const run of await Promise.all(runs)) expect(run).toMatchObject({ code: 0 });
      expect(emulator.stats().requests).toBe(2 * rows);
      expect(parts(shared)).toEqual(parts(alone));
      expect(isComplete(shared)).toBe(true);
      expect(readdirSync(join(shared, 'out/_sluice')).sort()).toEqual([
        'errors',
        'journal',
        'plan.json',
        'report-1-of-3.json',
        'report-2-of-3.json',
        'report-3-of-3.json',
        'shards',
      ]);
      // A whole run finds nothing left to do.
      expect(await sluice(shared, ['run', 'job.yaml'])).toMatchObject({ code: 0 });
      expect(emulator.stats().requests).toBe(2 * rows);
    });
  });

  test('one after the other: only the last one says that the output is complete', async () => {
    await withEmulator({}, async (emulator) => {
      const folder = folderWith(emulator.url);
      for (const share of ['2/3', '3/3', '1/3']) {
        expect(isComplete(folder)).toBe(false);
        const { code, stderr } = await sluice(folder, ['run', 'job.yaml', '--shard', share]);
        expect(code).toBe(0);
        if (share === '2/3')
          expect(stderr).toMatch(/share 2\/3 is done; 140 rows of other shares are pending/);
      }
      expect(isComplete(folder)).toBe(true);
      expect(emulator.stats().requests).toBe(rows);
    });
  });

  test('whoever would do the same rows exits 75: the same share, another division, a whole run', async () => {
    await withEmulator({ latencyMs: 1500 }, async (emulator) => {
      // The first one is at work for half a minute: three others start meanwhile, on a slow machine, too.
      const folder = folderWith(emulator.url);
      const first = start(folder, ['run', 'job.yaml', '--shard', '1/3']);
      await asked(emulator, 1);
      for (const more of [['--shard', '1/3'], ['--shard', '1/2'], []]) {
        const refused = await sluice(folder, ['run', 'job.yaml', ...more]);
        expect(refused.code).toBe(75);
        expect(refused.stderr).toContain(`process ${first.process.pid}`);
      }
      const { stdout } = await sluice(folder, ['status', 'out']);
      expect(stdout).toMatch(new RegExp(`process ${first.process.pid} .*share 1/3`));
      first.process.kill('SIGKILL');
      await first.finished;
      // Its journal is found again, and the lock of the dead holds nobody up.
      const last = await sluice(folder, ['run', 'job.yaml', '--set', 'limits.concurrency=64']);
      expect(last.code).toBe(0);
      expect(isComplete(folder)).toBe(true);
    });
  });

  test('a whole run keeps shares out', async () => {
    await withEmulator({ latencyMs: 300 }, async (emulator) => {
      const folder = folderWith(emulator.url);
      start(folder, ['run', 'job.yaml']);
      await asked(emulator, 1);
      expect(await sluice(folder, ['run', 'job.yaml', '--shard', '1/2'])).toMatchObject({ code: 75 });
    });
  });

  test('while others are at work the source must be as it was', async () => {
    await withEmulator({ latencyMs: 5000 }, async (emulator) => {
      const folder = folderWith(emulator.url);
      // It has committed nothing by the time that the other one begins.
      const first = start(folder, ['run', 'job.yaml', '--shard', '1/2']);
      await asked(emulator, 1);
      writeFileSync(join(folder, 'rows.jsonl'), '{"id":0,"text":"another"}\n');
      const changed = await sluice(folder, ['run', 'job.yaml', '--shard', '2/2']);
      expect(changed.code).toBe(75);
      expect(changed.stderr).toMatch(/not as it was when the other shares began/);
      first.process.kill('SIGKILL');
      await first.finished;
    });
  });

  test('killed shares that are run again: the same bytes, and little paid twice', async () => {
    await withEmulator({ latencyMs: 20 }, async (emulator) => {
      const [alone, shared] = [folderWith(emulator.url), folderWith(emulator.url)];
      expect(await sluice(alone, ['run', 'job.yaml'])).toMatchObject({ code: 0 });
      for (let kill = 1; kill <= 3; kill++) {
        const runs = ['1/2', '2/2'].map((share) => start(shared, ['run', 'job.yaml', '--shard', share]));
        await asked(emulator, rows + 50 * kill);
        for (const run of runs) run.process.kill('SIGKILL');
        for (const run of runs) await run.finished;
      }
      const last = ['1/2', '2/2'].map((share) => sluice(shared, ['run', 'job.yaml', '--shard', share]));
      for (const run of await Promise.all(last)) expect(run).toMatchObject({ code: 0 });
      expect(parts(shared)).toEqual(parts(alone));
      expect(isComplete(shared)).toBe(true);
    });
  });

  test('failed rows of all shares count against errors.max_failed_rows', async () => {
    await withEmulator({ poison: 'row 1' }, async (emulator) => {
      // Rows 1, 10 to 19 and 100 to 199.
      const folder = folderWith(emulator.url, 'errors: {max_failed_rows: 110}');
      for (const share of ['1/2', '2/2']) {
        const { code } = await sluice(folder, ['run', 'job.yaml', '--shard', share]);
        expect(code).toBe(share === '1/2' ? 0 : 4);
      }
      expect(isComplete(folder)).toBe(false);
    });
  });

  test.each(['0/3', '4/3', '3', 'a/b', '1/0'])('--shard %s: exit 2', async (share) => {
    const folder = folderWith('http://127.0.0.1:9');
    const { code, stderr } = await sluice(folder, ['run', 'job.yaml', '--shard', share]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/wanted I\/N/);
  });

  test('--fresh would forget what the others do: exit 2', async () => {
    const folder = folderWith('http://127.0.0.1:9');
    const { code } = await sluice(folder, ['run', 'job.yaml', '--shard', '1/2', '--fresh']);
    expect(code).toBe(2);
  });
});
