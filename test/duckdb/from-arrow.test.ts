import * as arrow from 'apache-arrow';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { dataOf } from '../../src/arrow/data.ts';
import { rowsOf } from '../../src/arrow/rows.ts';
import { Engine } from '../../src/duckdb/engine.ts';
import { arrowFeed } from '../../src/duckdb/from-arrow.ts';
import { roundTrip } from './round-trip.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await Engine.open();
});
afterAll(async () => {
  await engine.close();
});

/** A batch of one column, `v`. */
function batchOf(data: arrow.Data): arrow.RecordBatch {
  const schema = new arrow.Schema([new arrow.Field('v', data.type, true)]);
  const type = new arrow.Struct(schema.fields);
  return new arrow.RecordBatch(
    schema,
    arrow.makeData({ type, length: data.length, nullCount: 0, children: [data] }),
  );
}

function columnOf(values: readonly unknown[], type: arrow.DataType): arrow.Data {
  return arrow.vectorFromArray(values as never[], type as never).data[0]!;
}

async function throughDuckdb(data: arrow.Data): Promise<{ values: unknown[]; type: string }> {
  const batch = batchOf(data);
  const { rows, types } = await roundTrip(engine, batch.schema, [batch]);
  return { values: rows.map((row) => row.v), type: types[0]! };
}

const { Field, List, Struct, TimeUnit } = arrow;
const item = (type: arrow.DataType) => new Field('item', type, true);

describe('types', () => {
  const micro = 1_764_000_000_123_456n;
  test.each<[arrow.DataType, string, unknown[], unknown[]?]>([
    [new arrow.Bool(), 'BOOLEAN', [true, null, false]],
    [new arrow.Int8(), 'TINYINT', [-128, null, 127]],
    [new arrow.Int16(), 'SMALLINT', [-32768, null, 32767]],
    [new arrow.Int32(), 'INTEGER', [-2147483648, null, 2147483647]],
    [new arrow.Int64(), 'BIGINT', [-(2n ** 63n), null, 2n ** 63n - 1n]],
    [new arrow.Uint8(), 'UTINYINT', [255, null]],
    [new arrow.Uint16(), 'USMALLINT', [65535, null]],
    [new arrow.Uint32(), 'UINTEGER', [4294967295, null]],
    [new arrow.Uint64(), 'UBIGINT', [2n ** 64n - 1n, null]],
    [new arrow.Float16(), 'FLOAT', [1.5, null, -0.25]],
    [new arrow.Float32(), 'FLOAT', [1.5, null, Number.NaN, Number.NEGATIVE_INFINITY, -0]],
    [new arrow.Float64(), 'DOUBLE', [5e-324, null, Number.NaN, Number.POSITIVE_INFINITY, -0]],
    [new arrow.Utf8(), 'VARCHAR', ['', null, 'twelve bytes', 'thirteen byte', 'grüße 👋', '\0', '\ufeffbom']],
    [new arrow.LargeUtf8(), 'VARCHAR', ['', null, 'twelve bytes', 'thirteen byte', 'grüße 👋']],
    [
      new arrow.Binary(),
      'BLOB',
      [Uint8Array.of(), null, Uint8Array.of(0, 255), new Uint8Array(20).fill(200)],
    ],
    [new arrow.LargeBinary(), 'BLOB', [Uint8Array.of(), null, Uint8Array.of(0, 255)]],
    [new arrow.FixedSizeBinary(3), 'BLOB', [Uint8Array.of(1, 2, 3), null]],
    [new arrow.Null(), 'INTEGER', [null, null]],
    [new arrow.DateDay(), 'DATE', [new Date('1969-12-31'), null], ['1969-12-31', null]],
    [new arrow.DateMillisecond(), 'DATE', [new Date('1969-12-31'), null], ['1969-12-31', null]],
    [new arrow.TimeSecond(), 'TIME', [86399, null], ['23:59:59.000000', null]],
    [new arrow.TimeMillisecond(), 'TIME', [1, null], ['00:00:00.001000', null]],
    [new arrow.TimeMicrosecond(), 'TIME', [1n, null], ['00:00:00.000001', null]],
    [new arrow.TimeNanosecond(), 'TIME_NS', [1n, null], ['00:00:00.000000001', null]],
    [
      new arrow.IntervalYearMonth(),
      'INTERVAL',
      [Int32Array.of(1, 2), null],
      [{ months: 14, days: 0, nanoseconds: 0n }, null],
    ],
    [
      new arrow.IntervalDayTime(),
      'INTERVAL',
      [Int32Array.of(3, -4), null],
      [{ months: 0, days: 3, nanoseconds: -4_000_000n }, null],
    ],
    [
      new arrow.DurationSecond(),
      'INTERVAL',
      [-1n, null],
      [{ months: 0, days: 0, nanoseconds: -1_000_000_000n }, null],
    ],
    [
      new arrow.DurationNanosecond(),
      'INTERVAL',
      [-1500n, null],
      [{ months: 0, days: 0, nanoseconds: -2000n }, null],
    ],
    [
      new arrow.Dictionary(new arrow.Utf8(), new arrow.Int8()),
      'VARCHAR',
      ['a', null, 'longer than twelve', 'a'],
    ],
    [new List(item(new arrow.Int32())), 'INTEGER[]', [[1, null], [], null, [2]]],
    [new arrow.FixedSizeList(2, item(new arrow.Float32())), 'FLOAT[2]', [[1, 2], null, [3, 4]]],
    [
      new Struct([new Field('a', new arrow.Int32(), true), new Field('A', new arrow.Utf8(), true)]),
      'STRUCT("a" INTEGER, "A_1" VARCHAR)',
      [
        { a: 1, A: null },
        { a: null, A: 'x' },
      ],
      [
        { a: 1, A_1: null },
        { a: null, A_1: 'x' },
      ],
    ],
  ])('%s goes as %s', async (type, duckdbName, values, expected = values) => {
    expect(await throughDuckdb(columnOf(values, type))).toEqual({ values: expected, type: duckdbName });
  });

  test.each<[arrow.TimeUnit, bigint, string, string, string]>([
    [TimeUnit.SECOND, -1n, 'TIMESTAMP_S', '1969-12-31T23:59:59', '1969-12-31T23:59:59.000000Z'],
    [TimeUnit.MILLISECOND, -1n, 'TIMESTAMP_MS', '1969-12-31T23:59:59.999', '1969-12-31T23:59:59.999000Z'],
    [TimeUnit.MICROSECOND, micro, 'TIMESTAMP', '2025-11-24T16:00:00.123456', '2025-11-24T16:00:00.123456Z'],
    [
      TimeUnit.NANOSECOND,
      -1n,
      'TIMESTAMP_NS',
      '1969-12-31T23:59:59.999999999',
      '1969-12-31T23:59:59.999999Z',
    ],
  ])(
    'timestamps of unit %i keep it, with a zone they are microseconds',
    async (unit, count, type, naive, instant) => {
      const data = (zone?: string) =>
        dataOf(new arrow.Timestamp(unit, zone ?? null), { length: 1, data: BigInt64Array.of(count) });
      expect(await throughDuckdb(data())).toEqual({ values: [naive], type });
      expect(await throughDuckdb(data('Europe/Berlin'))).toEqual({
        values: [instant],
        type: 'TIMESTAMP WITH TIME ZONE',
      });
    },
  );

  test.each<[number, number, number, bigint, string, string]>([
    [4, 2, 128, -1250n, 'DECIMAL(4,2)', '-12.50'],
    [9, 0, 128, 123_456_789n, 'DECIMAL(9,0)', '123456789'],
    [18, 18, 128, -1n, 'DECIMAL(18,18)', '-0.000000000000000001'],
    [38, 10, 128, -(10n ** 38n - 1n), 'DECIMAL(38,10)', `-${'9'.repeat(28)}.${'9'.repeat(10)}`],
    [30, 3, 256, -(10n ** 29n), 'DECIMAL(30,3)', `-1${'0'.repeat(26)}.000`],
    [76, 2, 256, 10n ** 75n, 'VARCHAR', `1${'0'.repeat(73)}.00`],
    [5, -2, 128, -12n, 'VARCHAR', '-1200'],
  ])('decimal(%i, %i) in %i bits', async (precision, scale, bits, unscaled, type, text) => {
    const words = Uint32Array.from({ length: (bits / 32) * 2 }, (_, i) =>
      i < bits / 32 ? Number(BigInt.asUintN(32, unscaled >> BigInt(32 * i))) : 0xdead,
    );
    const data = dataOf(new arrow.Decimal(scale, precision, bits), {
      length: 2,
      data: words,
      nullBitmap: Uint8Array.of(0b01),
      nullCount: 1,
    });
    expect(await throughDuckdb(data)).toEqual({ values: [text, null], type });
  });

  test('month, day and nanoseconds are whole microseconds', async () => {
    const data = dataOf(new arrow.IntervalMonthDayNano(), { length: 1, data: Int32Array.of(1, -2, 3000, 0) });
    expect((await throughDuckdb(data)).values).toEqual([{ months: 1, days: -2, nanoseconds: 3000n }]);
  });

  test('views of text and binary, inline and in buffers', async () => {
    const long = new TextEncoder().encode('a text in a buffer');
    const views = new Uint8Array(48);
    const words = new DataView(views.buffer);
    words.setInt32(0, 2, true);
    views.set([104, 105], 4);
    words.setInt32(16, long.length, true);
    words.setInt32(24, 0, true);
    words.setInt32(28, 0, true);
    const make = (type: arrow.Utf8View) =>
      arrow.makeData({
        type,
        length: 3,
        nullCount: 1,
        nullBitmap: Uint8Array.of(0b011),
        views,
        variadicBuffers: [long],
      });
    expect(await throughDuckdb(make(new arrow.Utf8View()))).toEqual({
      values: ['hi', 'a text in a buffer', null],
      type: 'VARCHAR',
    });
  });

  test('a map keeps its entries in order', async () => {
    const entries = new Struct<{ key: arrow.Utf8; value: arrow.Int32 }>([
      new Field('key', new arrow.Utf8(), false),
      new Field('value', new arrow.Int32(), true),
    ]);
    const child = columnOf(
      [
        { key: 'b', value: 1 },
        { key: 'a', value: null },
      ],
      entries,
    );
    const data = dataOf(new arrow.Map_(new Field('entries', entries, false)), {
      length: 2,
      valueOffsets: Int32Array.of(0, 2, 2),
      child,
    });
    expect(await throughDuckdb(data)).toEqual({
      values: [
        [
          { key: 'b', value: 1 },
          { key: 'a', value: null },
        ],
        [],
      ],
      type: 'MAP(VARCHAR, INTEGER)',
    });
  });

  test('a large list, and fixed size lists of no items, are lists', async () => {
    const child = columnOf([1, 2, 3], new arrow.Int32());
    const large = dataOf(new arrow.LargeList(item(new arrow.Int32())), {
      length: 2,
      valueOffsets: BigInt64Array.of(0n, 2n, 3n),
      child,
    });
    expect(await throughDuckdb(large)).toEqual({ values: [[1, 2], [3]], type: 'INTEGER[]' });
    const none = dataOf(new arrow.FixedSizeList(0, item(new arrow.Int32())), {
      length: 2,
      child: child.slice(0, 0),
    });
    expect(await throughDuckdb(none)).toEqual({ values: [[], []], type: 'INTEGER[]' });
  });

  test('a dictionary that grew by a delta, with a null among its values', async () => {
    const type = new arrow.Dictionary(new arrow.Utf8(), new arrow.Int32());
    const dictionary = new arrow.Vector([
      columnOf(['a', null], new arrow.Utf8()),
      columnOf(['c'], new arrow.Utf8()),
    ]);
    const data = dataOf(type, { length: 4, data: Int32Array.of(2, 1, 0, 2), dictionary });
    expect((await throughDuckdb(data)).values).toEqual(['c', null, 'a', 'c']);
  });

  test('a dictionary of nested values', async () => {
    const value = new Struct([
      new Field('l', new List(item(new arrow.Utf8())), true),
      new Field('f', new arrow.FixedSizeList(2, item(new arrow.Bool())), true),
      new Field('d', new arrow.Dictionary(new arrow.Binary(), new arrow.Int8()), true),
    ]);
    const values = [
      { l: ['x', null, 'a longer text than twelve'], f: [true, false], d: Uint8Array.of(1) },
      { l: [], f: null, d: null },
    ];
    const dictionary = new arrow.Vector([columnOf(values, value)]);
    const type = new arrow.Dictionary(value, new arrow.Int8());
    const data = dataOf(type, {
      length: 4,
      data: Int8Array.of(1, 0, 0, 1),
      nullBitmap: Uint8Array.of(0b1011),
      nullCount: 1,
      dictionary,
    });
    expect((await throughDuckdb(data)).values).toEqual([values[1], values[0], null, values[1]]);
  });

  test('text that is not UTF-8 gets replacement characters, never a silent null', async () => {
    const bytes = Uint8Array.of(97, 255, 98, ...new Uint8Array(20).fill(254));
    const data = dataOf(new arrow.Utf8(), { length: 2, valueOffsets: Int32Array.of(0, 3, 23), data: bytes });
    expect((await throughDuckdb(data)).values).toEqual(['a\ufffdb', '\ufffd'.repeat(20)]);
  });

  test.each([
    ['a union', new arrow.SparseUnion([0], [new Field('x', new arrow.Int8())])],
    ['a struct without fields', new Struct([])],
  ])('%s is refused with the name of the column', (_, type) => {
    const schema = new arrow.Schema([new Field('outer', new List(item(type)), true)]);
    expect(() => arrowFeed(schema, [])).toThrow(/arrow column outer has a type that cannot be read/);
  });
});

describe('rows', () => {
  const type = new Struct([
    new Field('id', new arrow.Int64(), true),
    new Field(
      'items',
      new List(
        item(
          new Struct([
            new Field('label', new arrow.Utf8(), true),
            new Field('box', new arrow.FixedSizeList(2, item(new arrow.Int16())), true),
          ]),
        ),
      ),
      true,
    ),
  ]);
  const row = (i: number) =>
    i % 5 === 0
      ? null
      : {
          id: i % 7 === 0 ? null : BigInt(i),
          items:
            i % 3 === 0
              ? null
              : Array.from({ length: i % 4 }, (_, k) =>
                  k === 2 ? null : { label: k ? `label number ${i}` : null, box: i % 2 ? [k, null] : null },
                ),
        };
  const rows = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => row(from + i));

  test('more rows than a vector holds, with nulls at every level', async () => {
    const data = columnOf(rows(0, 7000), type);
    expect((await throughDuckdb(data)).values).toEqual(rows(0, 7000));
  });

  test('slices begin and end where they should', async () => {
    const data = columnOf(rows(0, 5000), type);
    for (const [from, to] of [
      [1, 4],
      [63, 2200],
      [2049, 5000],
      [4999, 5000],
    ] as const) {
      expect((await throughDuckdb(data.slice(from, to - from))).values).toEqual(rows(from, to));
    }
  });

  test('a slice of a slice of booleans, which go by bits', async () => {
    const flags = Array.from({ length: 100 }, (_, i) => (i % 3 === 0 ? null : i % 2 === 0));
    const data = columnOf(flags, new arrow.Bool()).slice(5, 80).slice(6, 50);
    expect((await throughDuckdb(data)).values).toEqual(flags.slice(11, 61));
  });

  test('many batches, some of them empty, make one table, every time it is scanned', async () => {
    const batches = [
      [0, 0],
      [0, 3],
      [3, 3],
      [3, 2500],
      [2500, 2501],
    ].map(([from, to]) => batchOf(columnOf(rows(0, 3000), type).slice(from!, to! - from!)));
    using handle = engine.register(arrowFeed(batches[0]!.schema, batches));
    const [count] = await engine.rows(
      `SELECT count(*) AS n, count(v) AS present, (SELECT count(*) FROM ${handle.sql}) AS again FROM ${handle.sql}`,
    );
    expect(count).toEqual({ n: 2501n, present: 2000n, again: 2501n });
  });

  test('columns of one name get numbers', async () => {
    const schema = new arrow.Schema(['a', 'A', 'a'].map((name) => new Field(name, new arrow.Int8(), true)));
    expect(arrowFeed(schema, []).columns.map((column) => column.name)).toEqual(['a', 'A_1', 'a_2']);
  });
});

describe('damage', () => {
  test.each<[string, () => arrow.Data]>([
    ['fewer values than rows', () => dataOf(new arrow.Int32(), { length: 9, data: Int32Array.of(1) })],
    [
      'an offset behind the text',
      () =>
        dataOf(new arrow.Utf8(), { length: 1, valueOffsets: Int32Array.of(0, 9), data: Uint8Array.of(1) }),
    ],
    [
      'offsets that go backwards',
      () =>
        dataOf(new List(item(new arrow.Int8())), {
          length: 2,
          valueOffsets: Int32Array.of(0, 2, 1),
          child: columnOf([1, 2], new arrow.Int8()),
        }),
    ],
    [
      'a list longer than its values',
      () =>
        dataOf(new List(item(new arrow.Int8())), {
          length: 1,
          valueOffsets: Int32Array.of(0, 2_000_000_000),
          child: columnOf([1, 2], new arrow.Int8()),
        }),
    ],
    [
      'offsets that are missing',
      () =>
        dataOf(new List(item(new arrow.Int8())), {
          length: 3,
          valueOffsets: Int32Array.of(0),
          child: columnOf([1, 2], new arrow.Int8()),
        }),
    ],
    [
      'a fixed size list with too few values',
      () =>
        dataOf(new arrow.FixedSizeList(4, item(new arrow.Int8())), {
          length: 1,
          child: columnOf([1, 2], new arrow.Int8()),
        }),
    ],
    [
      'an index outside its dictionary',
      () =>
        dataOf(new arrow.Dictionary(new arrow.Utf8(), new arrow.Int8()), {
          length: 1,
          data: Int8Array.of(5),
          dictionary: new arrow.Vector([columnOf(['a'], new arrow.Utf8())]),
        }),
    ],
  ])('%s ends the query, not the process', async (_, make) => {
    await expect(throughDuckdb(make())).rejects.toMatchObject({ code: 'ARROW_CORRUPT' });
  });

  test('a batch of another type than the schema says', async () => {
    const schema = new arrow.Schema([new Field('v', new arrow.Int64(), true)]);
    const batch = batchOf(columnOf([1], new arrow.Int8()));
    await expect(roundTrip(engine, schema, [batch])).rejects.toThrow(
      /column v is Int8 in one batch, Int64 in the schema/,
    );
  });
});

test('random nested values come back as they went', async () => {
  const leaf = fc.option(fc.string({ maxLength: 30, unit: 'grapheme' }));
  const record = fc.record({
    s: leaf,
    n: fc.option(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })),
    l: fc.option(fc.array(fc.option(fc.array(leaf, { maxLength: 3 })), { maxLength: 4 })),
    f: fc.option(fc.tuple(fc.double(), fc.option(fc.double())).map((pair) => [...pair])),
  });
  const text = new arrow.Utf8();
  const type = new List(
    item(
      new Struct([
        new Field('s', text, true),
        new Field('n', new arrow.Int64(), true),
        new Field('l', new List(item(new List(item(text)))), true),
        new Field('f', new arrow.FixedSizeList(2, item(new arrow.Float64())), true),
      ]),
    ),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.option(fc.array(fc.option(record), { maxLength: 5 })), { minLength: 1, maxLength: 40 }),
      fc.nat(),
      async (values, cut) => {
        const start = cut % values.length;
        const data = columnOf(values, type).slice(start, values.length - start);
        const expected = [...rowsOf(batchOf(data))].map((r) => r.v);
        expect(expected).toEqual(values.slice(start));
        expect((await throughDuckdb(data)).values).toEqual(expected);
      },
    ),
    { numRuns: 60 },
  );
});
