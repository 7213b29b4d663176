import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Engine } from '../../src/duckdb/engine.ts';
import { quoteLiteral } from '../../src/duckdb/quote.ts';
import { findTask } from '../../src/tasks/index.ts';
import type { Inputs } from '../../src/tasks/task.ts';
import { temporaryFolder } from '../temp.ts';
import { foreignReaders, type Row } from '../writers/readers.ts';
import { withEmulator } from './emulated.ts';
import { sluice } from './sluice.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await Engine.open();
});
afterAll(() => engine.close());

/** A PNG of one grey pixel: what an image model is asked about. */
const pixel = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg==',
  'base64',
);

interface Case {
  task: string;
  input: string;
  /** What the emulator is asked for row `i`, and how the source holds it in JSONL. */
  rows: (i: number) => { inputs: Inputs; json: unknown };
}

const cases: Case[] = [
  {
    task: 'text-classification',
    input: 'text',
    rows: (i) => ({ inputs: { text: `a good day, ${i}` }, json: `a good day, ${i}` }),
  },
  {
    task: 'feature-extraction',
    input: 'text',
    rows: (i) => ({ inputs: { text: `schön ${i} 🐋` }, json: `schön ${i} 🐋` }),
  },
  {
    task: 'object-detection',
    input: 'image',
    rows: () => ({
      inputs: { image: { bytes: pixel, contentType: 'image/png' } },
      json: `data:image/png;base64,${pixel.toString('base64')}`,
    }),
  },
];

const readers = {
  parquet: ['hyparquet', 'arrow-rs'],
  arrow: ['arrow-js'],
  jsonl: ['JSON.parse'],
} as const;

describe.each(cases)('$task', ({ task: name, input, rows }) => {
  test.each(['parquet', 'arrow', 'jsonl'] as const)(
    'what the server answered is what every reader finds: %s',
    async (format) => {
      const folder = temporaryFolder();
      const source = Array.from({ length: 60 }, (_, id) => ({ id, [input]: rows(id).json }));
      writeFileSync(join(folder, 'rows.jsonl'), source.map((row) => `${JSON.stringify(row)}\n`).join(''));
      await withEmulator({}, async ({ url }) => {
        writeFileSync(
          join(folder, 'job.yaml'),
          `task: ${name}
model: acme/${name}
source: rows.jsonl
inputs: {${input}: ${input}}
backend: {type: api, url: "${url}"}
output: {path: out, format: ${format}, keep: [id], rows_per_part: 25}
`,
        );
        expect(await sluice(folder, ['run', 'job.yaml'])).toMatchObject({ code: 0 });
      });
      const expected = expectedRows(name, source.length, rows);
      const parts = readdirSync(join(folder, 'out')).filter((file) => file.startsWith('part-'));
      expect(parts).toHaveLength(3);
      for (const reader of readers[format]) {
        const found: Row[] = [];
        for (const part of parts) found.push(...(await foreignReaders[reader](join(folder, 'out', part))));
        expect(found.map(comparable)).toEqual(expected);
      }
      if (format === 'arrow') return;
      const read = format === 'parquet' ? 'read_parquet' : 'read_json';
      const found = await engine.rows(`FROM ${read}(${quoteLiteral(join(folder, 'out', 'part-*'))})`);
      expect(found.map(comparable)).toEqual(expected);
    },
  );
});

/** What the rows must be: the emulator's answer, decoded by the task, beside the kept column. */
function expectedRows(name: string, count: number, rows: Case['rows']): unknown[] {
  const task = findTask(name)!;
  return Array.from({ length: count }, (_, id) => {
    const { inputs } = rows(id);
    const answer = JSON.parse(JSON.stringify(task.emulate(inputs, {})));
    return comparable({ id, ...task.decode(answer, {}), error: null });
  });
}

/** One form for values that readers give in several: 64-bit integers as numbers, floats of 32 bits rounded, no views. */
function comparable(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (typeof value === 'number') return Number.isInteger(value) ? value : Math.fround(value);
  if (value === null || value === undefined) return null;
  if (ArrayBuffer.isView(value)) return Array.from(value as Float32Array, comparable);
  if (Array.isArray(value)) return value.map(comparable);
  if (typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, comparable(item)]));
  }
  return value;
}
