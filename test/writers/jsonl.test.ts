import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as arrow from 'apache-arrow';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Engine } from '../../src/duckdb/engine.ts';
import { jsonlWriter } from '../../src/writers/jsonl.ts';
import { field, resultsOf, vector } from './part.ts';

let engine: Engine;
let folder: string;
beforeAll(async () => {
  engine = await Engine.open();
  folder = await mkdtemp(join(tmpdir(), 'sluice-jsonl-'));
});
afterAll(async () => {
  await engine.close();
  await rm(folder, { recursive: true });
});

/** The line that a row with this SQL value as `v` becomes. */
async function lineOf(value: string): Promise<string> {
  const path = join(folder, 'line.jsonl');
  await jsonlWriter.write(engine, {
    kept: { sql: `SELECT 0::BIGINT AS __row, ${value} AS v`, columns: [{ name: 'v', as: 'v' }] },
    results: resultsOf([], [{}]),
    columns: ['v'],
    path,
    compression: 'none',
  });
  return (await readFile(path, 'utf8')).trimEnd();
}

test.each<[string, string]>([
  ['NULL', 'null'],
  ["'a\"\\ ü' || chr(10) || chr(1)", '"a\\"\\\\ ü\\n\\u0001"'],
  ['9007199254740993', '9007199254740993'],
  ['170141183460469231731687303715884105727::HUGEINT', '170141183460469231731687303715884105727'],
  ["'12345678901234567890.123456789012345678'::DECIMAL(38, 18)", '12345678901234567890.123456789012345678'],
  ['0.05::DECIMAL(3, 3)', '0.05'],
  ["'-0.573979333762127579'::DECIMAL(18, 18)", '-0.573979333762127579'],
  [
    "'-0.12345678901234567890123456789012345678'::DECIMAL(38, 38)",
    '"-0.12345678901234567890123456789012345678"',
  ],
  ["[{'x': -0.5::DECIMAL(1, 1)}, {'x': 0::DECIMAL(1, 1)}]", '[{"x":-0.5},{"x":0.0}]'],
  ['NULL::DECIMAL(2, 2)', 'null'],
  ['0.1::DOUBLE', '0.1'],
  ['0.1::FLOAT', '0.1'],
  ["'nan'::FLOAT", 'null'],
  ["['inf'::FLOAT, '-inf'::FLOAT, 'nan'::FLOAT, 0.1, NULL]::FLOAT[]", '[null,null,null,0.1,null]'],
  ["[[0.1, 'nan'::FLOAT], NULL]::FLOAT[2][]", '[[0.1,null],null]'],
  ['[1e300, 5e-324, -0.5]::DOUBLE[]', '[1e300,5e-324,-0.5]'],
  ["{'x': 'inf'::DOUBLE, 'y': [{'z': 0.1::FLOAT}, NULL]}", '{"x":null,"y":[{"z":0.1},null]}'],
  ['NULL::STRUCT(x DOUBLE)', 'null'],
  ["'\\x00\\xFF'::BLOB", '"AP8="'],
  ["[{'b': '\\xFF'::BLOB}, NULL]", '[{"b":"/w=="},null]'],
  ["MAP {'k': ['\\xFF'::BLOB]}", '{"k":["/w=="]}'],
  ['MAP {1: 2.5::DOUBLE}', '{"1":2.5}'],
  ['NULL::MAP(VARCHAR, BLOB)', 'null'],
  ["'2026-11-24 01:02:03.5'::TIMESTAMP", '"2026-11-24T01:02:03.5"'],
  ["'2026-11-24 01:02:03.000000004'::TIMESTAMP_NS", '"2026-11-24T01:02:03.000000004"'],
  ["'2026-11-24 01:00:00+01'::TIMESTAMPTZ", '"2026-11-24T00:00:00+00:00"'],
  ["['2026-11-24'::TIMESTAMP_S]", '["2026-11-24T00:00:00"]'],
  ["'infinity'::TIMESTAMPTZ", '"infinity"'],
  ["'2026-11-24'::DATE", '"2026-11-24"'],
  ['\'{"a": [1]}\'::JSON', '{"a":[1]}'],
  ["{'it''s': 'inf'::DOUBLE}", '{"it\'s":null}'],
  ['[]::BLOB[]', '[]'],
])('%s is %s', async (value, json) => {
  const line = await lineOf(value);
  expect(line).toBe(`{"v":${json}}`);
  expect(() => JSON.parse(line)).not.toThrow();
});

test('a timestamp is a time that JavaScript reads', async () => {
  const { v } = JSON.parse(await lineOf("'2026-11-24 01:02:03.5+00'::TIMESTAMPTZ")) as { v: string };
  expect(new Date(v).toISOString()).toBe('2026-11-24T01:02:03.500Z');
});

test('a line longer than 16 MiB is written and verified', async () => {
  const path = join(folder, 'long.jsonl');
  await jsonlWriter.write(engine, {
    results: resultsOf(
      [field('mask', new arrow.Binary())],
      [{ mask: new Uint8Array(15 * 1024 ** 2) }, { mask: null }],
    ),
    columns: ['mask'],
    path,
    compression: 'none',
  });
  expect(await jsonlWriter.verify(engine, path, 'none')).toBe(2);
});

test('every line has every column, nulls too, in order', async () => {
  const path = join(folder, 'nulls.jsonl');
  const fields = [
    field('label', new arrow.Utf8()),
    field('embedding', vector(2)),
    field('error', new arrow.Utf8()),
  ];
  await jsonlWriter.write(engine, {
    results: resultsOf(fields, [{ label: 'a', embedding: [0.5, 0.25] }, { error: 'timeout' }]),
    columns: fields.map(({ name }) => name),
    path,
    compression: 'none',
  });
  expect(await readFile(path, 'utf8')).toBe(
    '{"label":"a","embedding":[0.5,0.25],"error":null}\n{"label":null,"embedding":null,"error":"timeout"}\n',
  );
});
