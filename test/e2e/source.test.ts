import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Engine } from '../../src/duckdb/engine.ts';
import { type Emulator, startEmulator } from '../../src/emulator/emulator.ts';
import { temporaryFolder } from '../temporary.ts';
import { sluice } from './sluice.ts';

let emulator: Emulator;
beforeAll(async () => {
  emulator = await startEmulator({ port: 0 });
});
afterAll(() => emulator.close());

interface OutputRow {
  id: number | null;
  lang: string | null;
  error: string | null;
}

/** A job over CSV files in Hive folders: 3 x 40 rows, the last of each torn. */
function folderWith(source: string): string {
  const folder = temporaryFolder();
  for (const [k, lang] of ['de', 'en', 'fr'].entries()) {
    const path = join(folder, `data/lang=${lang}/rows.csv`);
    mkdirSync(dirname(path), { recursive: true });
    const lines = Array.from({ length: 39 }, (_, i) => `${k * 40 + i},"row ${i},\nsecond line"\r\n`);
    writeFileSync(path, `id,text\r\n${lines.join('')}${k * 40 + 39}\r\n`);
  }
  writeFileSync(
    join(folder, 'job.yaml'),
    `task: text-classification
model: acme/sentiment
source: ${source}
inputs: {text: text}
backend: {type: api, url: "${emulator.url}"}
output: {path: out, format: jsonl, keep: [id, lang], rows_per_part: 16}
`,
  );
  return folder;
}

function rowsIn(folder: string): OutputRow[] {
  const names = readdirSync(join(folder, 'out'), { recursive: true, encoding: 'utf8' });
  return names
    .filter((name) => name.endsWith('.jsonl') && name.includes('part-'))
    .sort((a, b) => a.slice(-11).localeCompare(b.slice(-11)))
    .flatMap((name) =>
      readFileSync(join(folder, 'out', name), 'utf8')
        .split('\n')
        .filter(Boolean),
    )
    .map((line) => JSON.parse(line) as OutputRow);
}

async function run(source: string) {
  const folder = folderWith(source);
  const result = await sluice(folder, ['run', 'job.yaml']);
  expect(result, result.stderr).toMatchObject({ code: 0 });
  const status = await sluice(folder, ['status', 'out', '--json']);
  return { rows: rowsIn(folder), ledger: JSON.parse(status.stdout).ledger };
}

test('CSV in Hive folders: every row once and in order, a torn one as failed with its line', async () => {
  const { rows, ledger } = await run('data/**/*.csv');
  expect(ledger).toEqual({ read: 120, succeeded: 117, failed: 3, filtered: 0, pending: 0 });
  expect(rows.map((row) => row.id)).toEqual(
    Array.from({ length: 120 }, (_, i) => (i % 40 === 39 ? null : i)),
  );
  // The header, then 39 rows of two lines.
  expect(rows[39]).toMatchObject({
    error: expect.stringMatching(/line 80: 1 fields where there should be 2/),
  });
  expect(new Set(rows.slice(40, 79).map((row) => row.lang))).toEqual(new Set(['en']));
});

test('where: rows that fail it are counted as filtered and are not in the output', async () => {
  const { rows, ledger } = await run(`{path: data, where: "lang <> 'fr' AND id % 2 = 0"}`);
  // Torn rows are failed rows whatever the condition says, because nobody knows what they hold.
  expect(ledger).toEqual({ read: 120, succeeded: 40, failed: 3, filtered: 77, pending: 0 });
  expect(rows.filter((row) => row.error === null).every((row) => Number(row.id) % 2 === 0)).toBe(true);
});

test('limit: the first rows of the source', async () => {
  const { rows, ledger } = await run('{path: data, limit: 50}');
  expect(ledger).toEqual({ read: 50, succeeded: 49, failed: 1, filtered: 0, pending: 0 });
  expect(rows.map((row) => row.id).slice(-2)).toEqual([48, 49]);
});

test('sample: as many rows as wanted, spread over the source, the same ones on every run', async () => {
  const [first, second] = [await run('{path: data, sample: 12}'), await run('{path: data, sample: 12}')];
  expect(first.ledger).toMatchObject({ read: 12, pending: 0 });
  expect(first.rows).toEqual(second.rows);
  const places = first.rows.map((row) => row.lang);
  expect(places.filter((lang) => lang === 'en')).toHaveLength(4);
});

test('a damaged column that is only kept is told before any request', async () => {
  const engine = await Engine.open();
  const folder = folderWith('rows.parquet');
  const path = join(folder, 'rows.parquet');
  await engine.run(
    `COPY (SELECT 'row ' || range AS text, md5(range::VARCHAR) AS id, 'de' AS lang FROM range(100))
      TO '${path}' (FORMAT parquet, COMPRESSION zstd)`,
  );
  const [chunk] = await engine.rows(
    `SELECT data_page_offset AS page FROM parquet_metadata('${path}') WHERE path_in_schema = 'id'`,
  );
  await engine.close();
  const bytes = readFileSync(path);
  bytes.fill(0x5a, Number(chunk?.page) + 40, Number(chunk?.page) + 200);
  writeFileSync(path, bytes);
  const before = emulator.stats().requests;
  const result = await sluice(folder, ['run', 'job.yaml']);
  expect(result.code).toBe(3);
  expect(result.stderr).toMatch(/source cannot be read: rows\.parquet/);
  expect(emulator.stats().requests).toBe(before);
});

test('where, limit and sample do not hide a source that is not there', async () => {
  const folder = folderWith('{path: "data/*.parquet", where: "id > 1", limit: 5}');
  const result = await sluice(folder, ['check', 'job.yaml']);
  expect(result.code).toBe(3);
  expect(result.stderr + result.stdout).toMatch(/data\/\*\.parquet/);
});
