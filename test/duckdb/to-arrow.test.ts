import type { RecordBatch } from 'apache-arrow';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { rowsOf } from '../../src/arrow/rows.ts';
import { Engine } from '../../src/duckdb/engine.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await Engine.open();
});
afterAll(async () => {
  await engine.close();
});

async function batches(sql: string, rows?: number): Promise<RecordBatch[]> {
  const all: RecordBatch[] = [];
  for await (const batch of engine.stream(sql, rows === undefined ? {} : { rows })) all.push(batch);
  return all;
}

async function values(expression: string): Promise<{ type: string; value: unknown }> {
  const [batch] = await batches(`SELECT ${expression} AS v`);
  const [row] = rowsOf(batch!);
  return { type: String(batch!.schema.fields[0]!.type), value: row!.v };
}

describe('types', () => {
  test.each<[string, string, unknown]>([
    ['true', 'Bool', true],
    ['(-128)::TINYINT', 'Int8', -128],
    ['(-32768)::SMALLINT', 'Int16', -32768],
    ['(-2147483648)::INTEGER', 'Int32', -2147483648],
    ['(-9223372036854775808)::BIGINT', 'Int64', -(2n ** 63n)],
    ['255::UTINYINT', 'Uint8', 255],
    ['65535::USMALLINT', 'Uint16', 65535],
    ['4294967295::UINTEGER', 'Uint32', 4294967295],
    ['18446744073709551615::UBIGINT', 'Uint64', 2n ** 64n - 1n],
    ['1.5::FLOAT', 'Float32', 1.5],
    ["'-inf'::DOUBLE", 'Float64', Number.NEGATIVE_INFINITY],
    ["''", 'Utf8', ''],
    ["'twelve bytes'", 'Utf8', 'twelve bytes'],
    ["'thirteen byte'", 'Utf8', 'thirteen byte'],
    ["'grüße 👋 ' || chr(0) || ' x'", 'Utf8', 'grüße 👋 \0 x'],
    ["'\\x00\\xFF'::BLOB", 'Binary', Uint8Array.of(0, 255)],
    ['(-12.5)::DECIMAL(4, 2)', 'Decimal[4e+2]', '-12.50'],
    ['(-0.5)::DECIMAL(9, 1)', 'Decimal[9e+1]', '-0.5'],
    ['(-1)::DECIMAL(18, 0)', 'Decimal[18e0]', '-1'],
    [
      "'-12345678901234567890.123456789012345678'::DECIMAL(38, 18)",
      'Decimal[38e+18]',
      '-12345678901234567890.123456789012345678',
    ],
    ["'1969-12-31'::DATE", 'Date32<DAY>', '1969-12-31'],
    ["'23:59:59.000001'::TIME", 'Time64<MICROSECOND>', '23:59:59.000001'],
    ["'23:59:59.000000001'::TIME_NS", 'Time64<NANOSECOND>', '23:59:59.000000001'],
    ["'1969-12-31 23:59:59'::TIMESTAMP_S", 'Timestamp<SECOND>', '1969-12-31T23:59:59'],
    ["'1969-12-31 23:59:59.5'::TIMESTAMP_MS", 'Timestamp<MILLISECOND>', '1969-12-31T23:59:59.500'],
    ["'2026-11-24 01:02:03.000004'::TIMESTAMP", 'Timestamp<MICROSECOND>', '2026-11-24T01:02:03.000004'],
    [
      "'2026-11-24 01:02:03.000000004'::TIMESTAMP_NS",
      'Timestamp<NANOSECOND>',
      '2026-11-24T01:02:03.000000004',
    ],
    ["'2026-11-24 01:00:00+01'::TIMESTAMPTZ", 'Timestamp<MICROSECOND, UTC>', '2026-11-24T00:00:00.000000Z'],
    [
      "INTERVAL '-1 month 2 days -3 microseconds'",
      'Interval<MONTH_DAY_NANO>',
      { months: -1, days: 2, nanoseconds: -3000n },
    ],
    ["'b'::ENUM('a', 'b')", 'Dictionary<Uint8, Utf8>', 'b'],
    ['[1, NULL, 3]', 'List<Int32>', [1, null, 3]],
    ['[]::VARCHAR[]', 'List<Utf8>', []],
    ['[1, 2]::FLOAT[2]', 'FixedSizeList[2]<Float32>', [1, 2]],
    [
      "{'a': 1, 'b': {'c': [NULL]}}",
      'Struct<{a:Int32, b:Struct<{c:List<Int32>}>}>',
      { a: 1, b: { c: [null] } },
    ],
    [
      "MAP {'k': 1, 'l': NULL}",
      'Map<{key:Utf8, value:Int32}>',
      [
        { key: 'k', value: 1 },
        { key: 'l', value: null },
      ],
    ],
    ['[[[1], []], NULL]', 'List<List<List<Int32>>>', [[[1], []], null]],
    ['NULL', 'Int32', null],
  ])('%s is %s', async (expression, type, value) => {
    expect(await values(expression)).toEqual({ type, value });
  });

  test.each<[string, unknown]>([
    ['170141183460469231731687303715884105727::HUGEINT', '170141183460469231731687303715884105727'],
    ['340282366920938463463374607431768211455::UHUGEINT', '340282366920938463463374607431768211455'],
    [
      "'12345678901234567890123456789012345678901234567890'::BIGNUM",
      '12345678901234567890123456789012345678901234567890',
    ],
    ["'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::UUID", 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'],
    ["'0101'::BIT", '0101'],
    ["'12:00:00+02'::TIMETZ", '12:00:00+02'],
    ['\'{"a": 1}\'::JSON', '{"a": 1}'],
    ['union_value(k := 1)', '1'],
    ["{'a': 1}::VARIANT", "{'a': 1}"],
    ["'POINT(1 2)'::GEOMETRY", 'POINT (1 2)'],
  ])('%s has no Arrow type and is text', async (expression, text) => {
    expect(await values(expression)).toEqual({ type: 'Utf8', value: text });
    expect((await values(`[{'x': ${expression}}]`)).value).toEqual([{ x: text }]);
  });

  test('columns of one name stay apart when one of them becomes text', async () => {
    const [batch] = await batches("SELECT 1 AS a, '0101'::BIT AS a");
    expect(batch!.schema.fields.map(String)).toEqual(['a: Int32', 'a_1: Utf8']);
    expect(batch!.getChildAt(1)?.get(0)).toBe('0101');
  });

  test('an interval too long for nanoseconds is refused, not wrapped', async () => {
    await expect(batches('SELECT to_microseconds(9223372036854775807) AS i')).rejects.toThrow(/nanoseconds/);
  });
});

describe('many rows', () => {
  const columns = [
    "CASE WHEN i % 3 > 0 THEN repeat('long text ', (i % 5)::INT) || i END AS text",
    'CASE WHEN i % 4 > 0 THEN i % 2 = 0 END AS flag',
    'CASE WHEN i % 5 > 0 THEN (i - 5000)::DECIMAL(9, 2) END AS dec',
    "CASE WHEN i % 6 > 0 THEN [{'a': i, 'b': CASE WHEN i % 2 = 0 THEN [i::VARCHAR, NULL] END}] END AS nested",
    'CASE WHEN i % 7 > 0 THEN [i, NULL, -i] END::FLOAT[3] AS vec',
    'CASE WHEN i % 8 > 0 THEN range(i % 4) END AS list',
    "CASE WHEN i % 9 > 0 THEN (['x', 'y', 'z'])[1 + i % 3]::ENUM('x', 'y', 'z') END AS enum",
    "CASE WHEN i % 10 > 0 THEN MAP {i: 'v' || i} END AS map",
  ];

  function expected(i: number) {
    return {
      text: i % 3 ? 'long text '.repeat(i % 5) + i : null,
      flag: i % 4 ? i % 2 === 0 : null,
      dec: i % 5 ? (i - 5000).toFixed(2) : null,
      nested: i % 6 ? [{ a: BigInt(i), b: i % 2 ? null : [String(i), null] }] : null,
      vec: i % 7 ? [i, null, -i] : null,
      list: i % 8 ? Array.from({ length: i % 4 }, (_, k) => BigInt(k)) : null,
      enum: i % 9 ? 'xyz'[i % 3] : null,
      map: i % 10 ? [{ key: BigInt(i), value: `v${i}` }] : null,
    };
  }

  test.each([1, 3000, 100_000])('10,000 rows with nulls in batches of at least %i', async (rows) => {
    const read = await batches(`SELECT ${columns.join(', ')} FROM range(10000) t(i)`, rows);
    expect(read.flatMap((batch) => [...rowsOf(batch)])).toEqual(
      Array.from({ length: 10_000 }, (_, i) => expected(i)),
    );
  });

  test('lists that a filter and a slice have scattered are gathered', async () => {
    const read = await batches(
      `SELECT l[2:3] AS s, l FROM (SELECT i, [i, i + 1, i + 2, i + 3] AS l FROM range(9000) t(i)) WHERE i % 7 = 3`,
    );
    const rows = read.flatMap((batch) => [...rowsOf(batch)]);
    const kept = Array.from({ length: 9000 }, (_, i) => i).filter((i) => i % 7 === 3);
    const big = (...ns: number[]) => ns.map(BigInt);
    expect(rows).toEqual(kept.map((i) => ({ s: big(i + 1, i + 2), l: big(i, i + 1, i + 2, i + 3) })));
  });

  test('bytes below a null are zero, so that the same rows give the same bytes', async () => {
    const [batch] = await batches(
      `SELECT CASE WHEN i = 1 THEN NULL ELSE i END AS n, CASE WHEN i = 1 THEN NULL ELSE [i, i] END::FLOAT[2] AS v
       FROM (SELECT unnest([5, 6, 7]) - 5 AS i)`,
    );
    expect([...batch!.getChildAt(0)!.data[0]!.values]).toEqual([0, 0, 2]);
    expect([...batch!.getChildAt(1)!.data[0]!.children[0]!.values]).toEqual([0, 0, 0, 0, 2, 2]);
  });
});
