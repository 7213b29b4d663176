import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as arrow from 'apache-arrow';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { rowsOf } from '../../src/arrow/rows.ts';
import { Engine } from '../../src/duckdb/engine.ts';
import { quoteIdentifier } from '../../src/duckdb/quote.ts';
import { startEmulator } from '../../src/emulator/emulator.ts';
import { temporaryFolder } from '../temporary.ts';
import { foreignReaders, type Row } from '../writers/readers.ts';
import { sluice } from './sluice.ts';

type Format = 'parquet' | 'arrow' | 'jsonl';

let engine: Engine;
beforeAll(async () => {
  engine = await Engine.open();
});
afterAll(() => engine.close());

/** Runs a job that keeps every column of a source and returns the path of its one part. */
async function kept(folder: string, source: string, format: Format): Promise<string> {
  const emulator = await startEmulator({ port: 0 });
  try {
    writeFileSync(
      join(folder, 'job.yaml'),
      `task: text-classification
model: acme/sentiment
source: ${source}
inputs: {text: text}
backend: {type: api, url: "${emulator.url}"}
output: {path: out-${format}, format: ${format}, keep: "*"}
`,
    );
    const result = await sluice(folder, ['run', 'job.yaml']);
    expect(result, result.stderr).toMatchObject({ code: 0 });
    return join(folder, `out-${format}/part-00000.${format}`);
  } finally {
    await emulator.close();
  }
}

/** SQL for a value, by column: every type that DuckDB has and Parquet can hold. `i` counts the rows. */
const VALUES: Record<string, string> = {
  bool: 'i % 2 = 0',
  i8: '(i - 5)::TINYINT',
  i16: '(i - 5)::SMALLINT',
  i32: '(i - 5)::INTEGER',
  i64: '9223372036854775807 - i',
  u8: '(250 + i % 5)::UTINYINT',
  u16: '(65530 + i % 5)::USMALLINT',
  u32: '(4294967290 + i % 5)::UINTEGER',
  u64: '18446744073709551610::UBIGINT + (i % 5)::UBIGINT',
  f32: "CASE i % 4 WHEN 0 THEN 'nan'::FLOAT WHEN 1 THEN '-inf'::FLOAT WHEN 2 THEN -0.0::FLOAT ELSE (i / 3)::FLOAT END",
  f64: "CASE i % 4 WHEN 0 THEN 'nan'::DOUBLE WHEN 1 THEN 'inf'::DOUBLE WHEN 2 THEN 5e-324 ELSE i / 3 END",
  dec4: '(i + 0.25)::DECIMAL(4, 2)',
  dec9: '(i + 12345.125)::DECIMAL(9, 3)',
  dec18: '(-i - 123456789012.5)::DECIMAL(18, 5)',
  dec38: '(i + 12345678901234567890123456.789)::DECIMAL(38, 10)',
  words: "CASE WHEN i % 3 = 0 THEN '' ELSE 'grüße 👋 ' || i END",
  blob: "'\\x00\\xFF\\x10'::BLOB",
  uuid: "('550e8400-e29b-41d4-a716-44665544000' || i % 10)::UUID",
  day: "DATE '1969-12-25' + i::INTEGER",
  time: "TIME '23:59:59.123456'",
  ts: "TIMESTAMP '1969-12-25 23:59:59.123456' + i * INTERVAL 1 DAY",
  ts_s: "'2026-11-24 01:02:03'::TIMESTAMP_S",
  ts_ms: "'2026-11-24 01:02:03.123'::TIMESTAMP_MS",
  ts_ns: "'2026-11-24 01:02:03.123456789'::TIMESTAMP_NS",
  tstz: "'2026-11-24 01:02:03.5+01'::TIMESTAMPTZ",
  span: "INTERVAL '1 month 2 days 3.5 seconds'",
  level: "CASE WHEN i % 2 = 0 THEN 'low' ELSE 'high' END::ENUM('low', 'high')",
  json: `('{"a": [' || i || ', null]}')::JSON`,
  struct: "{'a': i, 'b': ['x', NULL], 'c': {'d': DATE '2026-01-01', 'e': NULL::INTEGER}}",
  list: '[i, NULL, 3]',
  lists: 'CASE i % 3 WHEN 0 THEN [] WHEN 1 THEN NULL ELSE [[i], NULL, []] END',
  structs: "[{'a': 1, 'b': TIMESTAMPTZ '2026-01-01 00:00:00+00'}, NULL]",
  map: "MAP {'k' || i: i, 'z': NULL}",
  map_lists: "MAP {i: ['x']}",
  nothing: 'NULL',
  'odd "name, ü': 'i',
  // Its first field, which says which of the two it is, has no name in Parquet.
  union: 'union_value(num := i)',
};

async function writeParquet(folder: string): Promise<void> {
  const columns = Object.entries(VALUES).map(
    ([name, sql]) => `CASE WHEN i = 7 THEN NULL ELSE ${sql} END AS ${quoteIdentifier(name)}`,
  );
  await engine.run(
    `COPY (SELECT 'row ' || i AS text, ${columns.join(', ')} FROM range(12) t(i))
      TO '${join(folder, 'source.parquet')}' (FORMAT parquet)`,
  );
}

/** Names and types of a Parquet file, and all its values as text. */
async function contentOf(path: string, names: readonly string[]) {
  const list = names.map(quoteIdentifier);
  const from = `FROM read_parquet('${path}')`;
  const columns = await engine.describe(`SELECT ${list.join(', ')} ${from}`);
  const texts = list.map((name) => `${name}::VARCHAR AS ${name}`);
  return {
    types: columns.map(({ name, type }) => `${name} ${type.alias ?? type}`),
    rows: await engine.rows(`SELECT ${texts.join(', ')} ${from}`),
  };
}

/** Comparable values: a timestamp without the zeros that a finer unit of the same time has. */
function plain(value: unknown): string {
  return JSON.stringify(value, (_, v) => {
    if (typeof v === 'bigint') return String(v);
    return typeof v === 'string' ? v.replace(/\.?0*(Z?)$/, '$1') : v;
  });
}

function pick(rows: readonly Row[], names: readonly string[]): Row[] {
  return rows.map((row) => Object.fromEntries(names.map((name) => [name, row[name]])));
}

describe('columns of a Parquet file', () => {
  const names = ['text', ...Object.keys(VALUES)];

  test('in Parquet: the same types and values, for three readers', async () => {
    const folder = temporaryFolder();
    await writeParquet(folder);
    const source = join(folder, 'source.parquet');
    const part = await kept(folder, 'source.parquet', 'parquet');
    expect(await contentOf(part, names)).toEqual(await contentOf(source, names));
    // hyparquet has no intervals.
    const known = names.filter((name) => name !== 'span');
    for (const reader of ['hyparquet', 'arrow-rs'] as const) {
      const before = await foreignReaders[reader](source, known);
      expect(before).toHaveLength(12);
      const after = await foreignReaders[reader](part, known);
      expect(pick(after, known).map(plain), reader).toEqual(pick(before, known).map(plain));
    }
  });

  test('in Arrow: the same values; UUID as text, JSON as text', async () => {
    const folder = temporaryFolder();
    await writeParquet(folder);
    const table = arrow.tableFromIPC(readFileSync(await kept(folder, 'source.parquet', 'arrow')));
    const types = Object.fromEntries(table.schema.fields.map(({ name, type }) => [name, String(type)]));
    expect(types).toMatchObject({
      i8: 'Int8',
      u64: 'Uint64',
      f32: 'Float32',
      dec4: 'Decimal[4e+2]',
      dec38: 'Decimal[38e+10]',
      blob: 'Binary',
      uuid: 'Utf8',
      day: 'Date32<DAY>',
      time: 'Time64<MICROSECOND>',
      ts: 'Timestamp<MICROSECOND>',
      ts_ns: 'Timestamp<NANOSECOND>',
      tstz: 'Timestamp<MICROSECOND, UTC>',
      json: 'Utf8',
      struct: 'Struct<{a:Int64, b:List<Utf8>, c:Struct<{d:Date32<DAY>, e:Int32}>}>',
      map: 'Map<{key:Utf8, value:Int64}>',
    });
    const rows = table.batches.flatMap((batch) => [...rowsOf(batch)]);
    expect(rows).toHaveLength(12);
    expect(rows[7]).toMatchObject({ text: 'row 7', i64: null, struct: null, map: null, dec38: null });
    expect(rows[5]).toMatchObject({
      bool: false,
      i8: 0,
      i64: 9223372036854775802n,
      u64: 18446744073709551610n,
      f64: Number.POSITIVE_INFINITY,
      dec4: '5.25',
      dec18: '-123456789017.50000',
      dec38: '12345678901234567890123461.7890000000',
      words: 'grüße 👋 5',
      blob: Uint8Array.of(0, 255, 16),
      uuid: '550e8400-e29b-41d4-a716-446655440005',
      day: '1969-12-30',
      time: '23:59:59.123456',
      ts: '1969-12-30T23:59:59.123456',
      ts_ns: '2026-11-24T01:02:03.123456789',
      tstz: '2026-11-24T00:02:03.500000Z',
      span: { months: 1, days: 2, nanoseconds: 3_500_000_000n },
      level: 'high',
      json: '{"a": [5, null]}',
      struct: { a: 5n, b: ['x', null], c: { d: '2026-01-01', e: null } },
      list: [5n, null, 3n],
      lists: [[5n], null, []],
      structs: [{ a: 1, b: '2026-01-01T00:00:00.000000Z' }, null],
      map: [
        { key: 'k5', value: 5n },
        { key: 'z', value: null },
      ],
      nothing: null,
      'odd "name, ü': 5n,
    });
  });

  test('in JSONL: every digit; what JSON has no type for is text', async () => {
    const folder = temporaryFolder();
    await writeParquet(folder);
    const lines = readFileSync(await kept(folder, 'source.parquet', 'jsonl'), 'utf8')
      .trim()
      .split('\n');
    expect(lines).toHaveLength(12);
    // Digits that a number of JavaScript does not hold.
    expect(lines[5]).toContain('"i64":9223372036854775802,');
    expect(lines[5]).toContain('"u64":18446744073709551610,');
    expect(lines[5]).toContain('"dec38":12345678901234567890123461.7890000000,');
    expect(lines.map((line) => JSON.parse(line) as Row)[5]).toMatchObject({
      bool: false,
      f64: null,
      words: 'grüße 👋 5',
      blob: 'AP8Q',
      uuid: '550e8400-e29b-41d4-a716-446655440005',
      day: '1969-12-30',
      time: '23:59:59.123456',
      ts: '1969-12-30T23:59:59.123456',
      ts_ns: '2026-11-24T01:02:03.123456789',
      tstz: '2026-11-24T00:02:03.5+00:00',
      span: '1 month 2 days 00:00:03.5',
      level: 'high',
      json: { a: [5, null] },
      struct: { a: 5, b: ['x', null], c: { d: '2026-01-01', e: null } },
      lists: [[5], null, []],
      structs: [{ a: 1, b: '2026-01-01T00:00:00+00:00' }, null],
      map: { k5: 5, z: null },
      map_lists: { 5: ['x'] },
      nothing: null,
      'odd "name, ü': 5,
    });
  });
});

const { Field } = arrow;
const item = (type: arrow.DataType) => new Field('item', type, true);

/** The type of a column, two values of it, and, where it is another in the output, the nearest type and its values. */
const ARROW_VALUES: Record<string, [arrow.DataType, unknown[], (arrow.DataType | undefined)?, unknown[]?]> = {
  bool: [new arrow.Bool(), [true, null]],
  i8: [new arrow.Int8(), [-128, null]],
  i64: [new arrow.Int64(), [2n ** 63n - 1n, null]],
  u64: [new arrow.Uint64(), [2n ** 64n - 1n, null]],
  f16: [new arrow.Float16(), [1.5, null], new arrow.Float32()],
  f64: [new arrow.Float64(), [5e-324, null]],
  dec: [new arrow.Decimal(3, 30, 128), [Uint32Array.of(12345, 0, 0, 0), null]],
  text2: [new arrow.Utf8(), ['grüße 👋', null]],
  large: [new arrow.LargeUtf8(), ['grüße 👋', null], new arrow.Utf8()],
  bytes: [new arrow.Binary(), [Uint8Array.of(0, 255), null]],
  fixed: [new arrow.FixedSizeBinary(3), [Uint8Array.of(1, 2, 3), null], new arrow.Binary()],
  nothing: [new arrow.Null(), [null, null], new arrow.Utf8()],
  day: [new arrow.DateDay(), [new Date('1969-12-31'), null]],
  day_ms: [new arrow.DateMillisecond(), [new Date('1969-12-31'), null], new arrow.DateDay()],
  t_s: [new arrow.TimeSecond(), [86399, null], new arrow.TimeMicrosecond(), ['23:59:59.000000', null]],
  t_ms: [new arrow.TimeMillisecond(), [1, null], new arrow.TimeMicrosecond(), ['00:00:00.001000', null]],
  t_us: [new arrow.TimeMicrosecond(), [1n, null]],
  t_ns: [new arrow.TimeNanosecond(), [1n, null]],
  ts_s: [new arrow.TimestampSecond(), [-1000, null]],
  ts_ms: [new arrow.TimestampMillisecond(), [-1, null]],
  ts_us: [new arrow.TimestampMicrosecond(), [-1, null]],
  ts_ns: [new arrow.TimestampNanosecond(), [1, null]],
  tz: [
    new arrow.TimestampMillisecond('Europe/Berlin'),
    [1000, null],
    new arrow.TimestampMicrosecond('UTC'),
    ['1970-01-01T00:00:01.000000Z', null],
  ],
  dict: [new arrow.Dictionary(new arrow.Utf8(), new arrow.Int32()), ['low', null], new arrow.Utf8()],
  list: [new arrow.List(item(new arrow.Int32())), [[1, null], null]],
  array: [new arrow.FixedSizeList(2, item(new arrow.Float32())), [[0.5, null], null]],
  struct: [
    new arrow.Struct([new Field('a', new arrow.Int16(), true), new Field('b', new arrow.Utf8(), true)]),
    [{ a: 1, b: null }, null],
  ],
};

describe('columns of an Arrow file', () => {
  function writeArrow(folder: string): arrow.Table {
    const vectors = Object.entries(ARROW_VALUES).map(([name, [type, values]]) => [
      name,
      arrow.vectorFromArray(values as never[], type as never),
    ]);
    const table = new arrow.Table({
      text: arrow.vectorFromArray(['one', 'two'], new arrow.Utf8()),
      ...(Object.fromEntries(vectors) as Record<string, arrow.Vector>),
    });
    writeFileSync(join(folder, 'source.arrow'), arrow.tableToIPC(table, 'file'));
    return table;
  }

  test.each(['arrow', 'parquet'] as const)(
    'in %s: the same values, or those of the nearest type',
    async (format) => {
      const folder = temporaryFolder();
      const source = writeArrow(folder);
      const part = await kept(folder, 'source.arrow', format);
      const before = source.batches.flatMap((batch) => [...rowsOf(batch)]);
      const after =
        format === 'arrow'
          ? arrow.tableFromIPC(readFileSync(part)).batches.flatMap((batch) => [...rowsOf(batch)])
          : await foreignReaders['arrow-rs'](part);
      for (const [name, [, , , values]] of Object.entries(ARROW_VALUES)) {
        const expected = values ?? before.map((row) => row[name]);
        expect(
          after.map((row) => plain(row[name])),
          name,
        ).toEqual(expected.map(plain));
      }
    },
  );

  test('in Arrow: the same types, or the nearest', async () => {
    const folder = temporaryFolder();
    writeArrow(folder);
    const { schema } = arrow.tableFromIPC(readFileSync(await kept(folder, 'source.arrow', 'arrow')));
    for (const [name, [type, , nearest]] of Object.entries(ARROW_VALUES)) {
      expect(String(schema.fields.find((field) => field.name === name)?.type), name).toBe(
        String(nearest ?? type),
      );
    }
  });
});

describe('columns of a JSONL file', () => {
  const lines = [
    '{"text":"one","big":18446744073709551616,"id":9007199254740993,"x":0.1,"mixed":"a","any":1,"o":{"k":[1,null]},"e":[]}',
    '{"text":"zwei \\ud83d\\udc4b","big":-1,"id":2,"x":1e300,"mixed":5,"any":{"a":true},"o":{"l":"\\n"},"e":[[]]}',
    '{"text":"three"}',
  ];
  const expected = [
    {
      big: '18446744073709551616',
      id: 9007199254740993n,
      x: 0.1,
      mixed: 'a',
      any: '1',
      o: { k: [1n, null], l: null },
    },
    { big: '-1', id: 2n, x: 1e300, mixed: '5', any: '{"a":true}', o: { k: null, l: '\n' } },
    { big: null, id: null, x: null, mixed: null, any: null, o: null },
  ];

  test.each(['parquet', 'arrow'] as const)(
    'in %s: integers keep their digits, values of several types are text',
    async (format) => {
      const folder = temporaryFolder();
      writeFileSync(join(folder, 'source.jsonl'), lines.join('\n'));
      const part = await kept(folder, 'source.jsonl', format);
      const rows = await foreignReaders[format === 'arrow' ? 'arrow-js' : 'arrow-rs'](part);
      expect(rows).toMatchObject(expected);
      expect(rows.map((row) => row.text)).toEqual(['one', 'zwei 👋', 'three']);
    },
  );

  test('in JSONL: the values as they were, missing ones as null', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'source.jsonl'), lines.join('\n'));
    const written = readFileSync(await kept(folder, 'source.jsonl', 'jsonl'), 'utf8')
      .trim()
      .split('\n');
    expect(written[0]).toContain('"big":18446744073709551616,"id":9007199254740993,');
    expect(written.map((line) => JSON.parse(line) as Row)).toMatchObject([
      { x: 0.1, mixed: 'a', any: 1, o: { k: [1, null], l: null }, e: [] },
      { x: 1e300, mixed: '5', any: { a: true }, o: { k: null, l: '\n' }, e: [[]] },
      { x: null, mixed: null, any: null, o: null, e: null },
    ]);
  });
});
