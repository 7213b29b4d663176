import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { temporaryFolder } from '../temporary.ts';
import { withEmulator } from './emulated.ts';
import { sluice } from './sluice.ts';

const fixtures = resolve(import.meta.dirname, '../../fixtures');

describe('inspect', () => {
  test('tells format, size, rows, columns and the first rows of a file', async () => {
    const path = join(fixtures, 'quickstart/moby-dick.parquet');
    const { code, stdout } = await sluice(temporaryFolder(), ['inspect', path, '-n', '2']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/parquet, 1 file, .* 3,000 rows/);
    expect(stdout).toMatch(/chapter +i32\n/);
    expect(stdout).toContain('Some years ago');
    expect(stdout).not.toContain('my substitute for pistol');
  });

  test('reads what a run has written, with its folders as columns and without its run directory', async () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, 'lake/dt=2026-11-01'), { recursive: true });
    writeFileSync(join(folder, 'lake/dt=2026-11-01/a.jsonl'), '{"text":"good"}\n{"text":"bad"}\n');
    await withEmulator({}, async ({ url }) => {
      writeFileSync(
        join(folder, 'job.yaml'),
        `{task: text-classification, model: a/b, source: lake, inputs: {text: text}, backend: {url: "${url}"}, output: {path: out}}`,
      );
      expect(await sluice(folder, ['run', 'job.yaml'])).toMatchObject({ code: 0 });
    });
    const { stdout } = await sluice(folder, ['inspect', 'out', '--json']);
    const facts = JSON.parse(stdout);
    expect(facts).toMatchObject({ format: 'parquet', files: 1, rows: 2 });
    expect(facts.columns.map(({ name }: { name: string }) => name)).toEqual([
      'label',
      'score',
      'predictions',
      'error',
      'dt',
    ]);
    expect(facts.first_rows[1]).toMatchObject({ label: 'NEGATIVE', error: null, dt: '2026-11-01' });
  });

  test('a folder of anything else is a row for each file; bytes are told, not given', async () => {
    const { stdout } = await sluice(temporaryFolder(), ['inspect', join(fixtures, 'examples/images')]);
    expect(stdout).toMatch(/files, 3 files/);
    expect(stdout).toMatch(/<image\/png, \d+ B>/);
  });

  test('a row that cannot be read is shown with the reason', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'rows.jsonl'), '{"a":1}\n{"a":\n{"a":3}\n');
    const { code, stdout } = await sluice(folder, ['inspect', 'rows.jsonl']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/row 1 cannot be read: line 2: not valid JSON/);
  });

  test.each([
    ['cut.parquet', Buffer.from('PAR1 and then nothing'), 3, /cut off/],
    ['empty.csv', Buffer.alloc(0), 3, /empty/],
    ['data.bin', Buffer.from([1, 2, 3]), 2, /--format/],
  ] as const)('%s is refused with path and reason', async (name, content, exit, words) => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, name), content);
    const { code, stderr } = await sluice(folder, ['inspect', name]);
    expect(code).toBe(exit);
    expect(stderr).toContain(name);
    expect(stderr).toMatch(words);
  });

  test('a path that is not there exits 3 and says what is', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'rows.csv'), 'a\n1\n');
    const { code, stderr } = await sluice(folder, ['inspect', 'row.csv']);
    expect(code).toBe(3);
    expect(stderr).toMatch(/rows\.csv/);
  });
});
