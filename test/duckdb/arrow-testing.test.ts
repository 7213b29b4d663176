import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DataType, DateUnit, type RecordBatch, RecordBatchReader, type Schema, TimeUnit } from 'apache-arrow';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { rowsOf } from '../../src/arrow/rows.ts';
import { Engine } from '../../src/duckdb/engine.ts';
import { roundTrip } from './round-trip.ts';

const folder = join(process.env.SLUICE_SHARED ?? '../shared', 'data/arrow-testing');

let engine: Engine;
beforeAll(async () => {
  engine = await Engine.open();
});
afterAll(async () => {
  await engine.close();
});

function filesIn(path: string): string[] {
  return existsSync(path)
    ? readdirSync(path, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile() && !/\.(gz|md)$/.test(entry.name))
        .map((entry) => join(entry.parentPath, entry.name))
    : [];
}

function read(path: string): { schema: Schema; batches: RecordBatch[] } {
  // The reader forgets its schema when it comes to the end.
  const reader = RecordBatchReader.from(readFileSync(path)).open();
  const { schema } = reader;
  return { schema, batches: [...reader] };
}

/** Whether DuckDB has the very type, so that values come back as they went. */
function isExact(type: DataType): boolean {
  if (DataType.isDictionary(type)) return isExact(type.dictionary);
  if (DataType.isDuration(type) || DataType.isInterval(type)) return false;
  if (DataType.isDate(type)) return type.unit === DateUnit.DAY;
  if (DataType.isTime(type)) return type.unit >= TimeUnit.MICROSECOND;
  if (DataType.isTimestamp(type)) return !type.timezone;
  return (type.children ?? []).every((child) => isExact(child.type));
}

describe.skipIf(!existsSync(folder))('files of arrow-testing (needs the shared data)', () => {
  const written = filesIn(folder).filter((path) => /generated_.*(arrow_file|stream)$/.test(path));

  test.each(written.map((path) => [path.slice(folder.length + 1), path]))('%s', async (name, path) => {
    if (/lz4/.test(name)) {
      expect(() => read(path)).toThrow(/codec/i);
      return;
    }
    const { schema, batches } = read(path);
    if (/union/.test(name)) {
      await expect(roundTrip(engine, schema, batches)).rejects.toThrow(/cannot be read/);
      return;
    }
    if (/interval/.test(name)) {
      // Durations of 2^63 seconds.
      await expect(roundTrip(engine, schema, batches)).rejects.toMatchObject({ code: 'ARROW_RANGE' });
      return;
    }
    const { rows, types } = await roundTrip(engine, schema, batches);
    expect(rows.length).toBe(batches.reduce((sum, batch) => sum + batch.numRows, 0));
    const expected = batches.flatMap((batch) => [...rowsOf(batch)]);
    // Objects cannot hold two columns of one name; from-arrow.test.ts looks at the names.
    if (/duplicate/.test(name)) return;
    for (const field of schema.fields.filter(({ type }) => isExact(type))) {
      expect(
        rows.map((row) => row[field.name]),
        `${field} as ${types}`,
      ).toEqual(expected.map((row) => row[field.name]));
    }
  });
});
