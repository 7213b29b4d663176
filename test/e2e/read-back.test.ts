import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Engine } from '../../src/duckdb/engine.ts';
import { quoteLiteral } from '../../src/duckdb/quote.ts';
import { tasks } from '../../src/tasks/index.ts';
import type { InputKind, Inputs, InputValue, Parameters, Task } from '../../src/tasks/task.ts';
import { temporaryFolder } from '../temporary.ts';
import { foreignReaders, type Row } from '../writers/readers.ts';
import { withEmulator } from './emulated.ts';
import { sluice } from './sluice.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await Engine.open();
});
afterAll(() => engine.close());

const examples = resolve(import.meta.dirname, '../../fixtures/examples');
const [image] = mediaIn('images');
const [audio] = mediaIn('audio');

function mediaIn(folder: string): Buffer[] {
  return readdirSync(join(examples, folder)).map((name) => readFileSync(join(examples, folder, name)));
}

/** An input of row `i` for each kind, as the emulator gets it and as JSONL holds it. */
const inputOf: Record<InputKind, (i: number, task: string) => { value: InputValue; json: unknown }> = {
  text: (i, task) =>
    same(task === 'fill-mask' ? `a [MASK] day, ${i}` : `Anna says: a schön day in Paris, ${i} 🐋`),
  texts: (i) => same([`a fine day, ${i}`, 'rain']),
  table: (i) => same({ city: ['Paris', 'Rome'], visits: [`${i}`, '7'] }),
  image: () => ({ value: { bytes: image! }, json: `data:image/png;base64,${image!.toString('base64')}` }),
  audio: () => ({ value: { bytes: audio! }, json: `data:audio/wav;base64,${audio!.toString('base64')}` }),
};

function same(value: InputValue): { value: InputValue; json: unknown } {
  return { value, json: value };
}

/** Parameters without which a task cannot be asked. */
const parametersOf: Record<string, Parameters> = {
  'zero-shot-classification': { candidate_labels: ['trip', 'work'] },
};

const readers = {
  parquet: ['hyparquet', 'arrow-rs'],
  arrow: ['arrow-js'],
  jsonl: ['JSON.parse'],
} as const;

describe.each(tasks.map((task) => [task.name, task] as const))('%s', (name, task) => {
  test.each(['parquet', 'arrow', 'jsonl'] as const)(
    'what the server answered is what every reader finds: %s',
    async (format) => {
      const folder = temporaryFolder();
      const source = Array.from({ length: 25 }, (_, id) => ({ id, ...rowOf(task, id, 'json') }));
      writeFileSync(join(folder, 'rows.jsonl'), source.map((row) => `${JSON.stringify(row)}\n`).join(''));
      await withEmulator({ task: name }, async ({ url }) => {
        const inputs = Object.keys(task.inputs).map((input) => `${input}: ${input}`);
        writeFileSync(
          join(folder, 'job.yaml'),
          `task: ${name}
model: acme/${name}
source: rows.jsonl
inputs: {${inputs.join(', ')}}
parameters: ${JSON.stringify(parametersOf[name] ?? {})}
backend: {type: api, url: "${url}"}
output: {path: out, format: ${format}, keep: [id], rows_per_part: 10}
`,
        );
        expect(await sluice(folder, ['run', 'job.yaml'])).toMatchObject({ code: 0 });
      });
      const expected = expectedRows(task, source.length);
      const parts = readdirSync(join(folder, 'out')).filter((file) => file.startsWith('part-'));
      expect(parts).toHaveLength(3);
      for (const reader of readers[format]) {
        const found: Row[] = [];
        for (const part of parts) found.push(...(await foreignReaders[reader](join(folder, 'out', part))));
        const base64 = reader === 'JSON.parse';
        expect(found.map((row) => comparable(row, base64))).toEqual(
          expected.map((row) => comparable(row, base64)),
        );
      }
      if (format === 'arrow') return;
      const read = format === 'parquet' ? 'read_parquet' : 'read_json';
      const found = await engine.rows(`FROM ${read}(${quoteLiteral(join(folder, 'out', 'part-*'))})`);
      const base64 = format === 'jsonl';
      expect(found.map((row) => comparable(row, base64))).toEqual(
        expected.map((row) => comparable(row, base64)),
      );
    },
  );
});

function rowOf(task: Task, i: number, as: 'value' | 'json'): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(task.inputs).map(([input, { kind }]) => [input, inputOf[kind](i, task.name)[as]]),
  );
}

/** What the rows must be: the emulator's answer, decoded by the task, beside the kept column. */
function expectedRows(task: Task, count: number): Row[] {
  const parameters = parametersOf[task.name] ?? {};
  return Array.from({ length: count }, (_, id) => {
    const answer = JSON.parse(JSON.stringify(task.emulate(rowOf(task, id, 'value') as Inputs, parameters)));
    const one = Array.isArray(answer) && answer.length === 1 && Array.isArray(answer[0]) ? answer[0] : answer;
    return { id, ...task.decode(one, parameters), error: null };
  });
}

/**
 * One form for values that readers give in several: 64-bit integers as numbers, floats of 32 bits rounded, no views.
 * @param base64 bytes as base64, as JSONL has them
 */
function comparable(value: unknown, base64: boolean): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (typeof value === 'number') return Number.isInteger(value) ? value : Math.fround(value);
  if (value === null || value === undefined) return null;
  if (value instanceof Uint8Array) return base64 ? Buffer.from(value).toString('base64') : Array.from(value);
  if (ArrayBuffer.isView(value)) return Array.from(value as Float32Array, (item) => comparable(item, base64));
  if (Array.isArray(value)) return value.map((item) => comparable(item, base64));
  if (typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, comparable(item, base64)]));
  }
  return value;
}
