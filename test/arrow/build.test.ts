import * as arrow from 'apache-arrow';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { buildBatch } from '../../src/arrow/build.ts';
import { rowsOf } from '../../src/arrow/rows.ts';

const { Field, Schema } = arrow;
const field = (name: string, type: arrow.DataType) => new Field(name, type, true);
const list = (type: arrow.DataType) => new arrow.List(field('item', type));
const struct = (fields: Record<string, arrow.DataType>) =>
  new arrow.Struct(Object.entries(fields).map(([name, type]) => field(name, type)));

function built(type: arrow.DataType, values: readonly unknown[]): unknown[] {
  const batch = buildBatch(
    new Schema([field('v', type)]),
    values.map((v) => ({ v })),
  );
  expect(batch.numRows).toBe(values.length);
  return [...rowsOf(batch)].map((row) => row.v);
}

test.each<[arrow.DataType, unknown[]]>([
  [new arrow.Null(), [null, null]],
  [new arrow.Bool(), [true, null, false]],
  [new arrow.Bool(), Array(20).fill(true)],
  [new arrow.Int8(), [-128, null, 127]],
  [new arrow.Uint16(), [0, 65535]],
  [new arrow.Int32(), [-2147483648, 2147483647]],
  [new arrow.Int64(), [-(2n ** 63n), null, 2n ** 63n - 1n]],
  [new arrow.Uint64(), [2n ** 64n - 1n]],
  [new arrow.Float64(), [0.1, null, Number.NaN, Number.NEGATIVE_INFINITY, -0]],
  [new arrow.Float32(), [0.5, null]],
  [new arrow.Utf8(), ['', null, 'grüße 👋', 'x'.repeat(500), '\ufeffbom']],
  [new arrow.Binary(), [Uint8Array.of(), null, Uint8Array.of(0, 255), new Uint8Array(300).fill(7)]],
  [list(list(new arrow.Int32())), [[[1, null], []], null, [], [null]]],
  [new arrow.FixedSizeList(2, field('item', new arrow.Float32())), [[1, 2], null, [null, 4]]],
  [
    list(
      struct({
        label: new arrow.Utf8(),
        score: new arrow.Float64(),
        box: struct({ xmin: new arrow.Int32() }),
      }),
    ),
    [
      [{ label: 'a', score: 0.5, box: { xmin: 1 } }, null],
      [],
      null,
      [{ label: null, score: null, box: null }],
    ],
  ],
])('%s takes what it gives back', (type, values) => {
  expect(built(type, values)).toEqual(values);
});

test('whole numbers do for 64 bits, undefined and absent are null, keys of no column are passed over', () => {
  expect(built(new arrow.Int64(), [7, undefined])).toEqual([7n, null]);
  const schema = new Schema([field('s', struct({ a: new arrow.Int8() })), field('b', new arrow.Utf8())]);
  expect([...rowsOf(buildBatch(schema, [{ s: { z: 1 } }, { b: 'x', other: 1 }]))]).toEqual([
    { s: { a: null }, b: null },
    { s: null, b: 'x' },
  ]);
});

test('vectors come as Float32Array, Float64Array or array', () => {
  const type = new arrow.FixedSizeList(3, field('item', new arrow.Float32()));
  expect(built(type, [Float32Array.of(1, 2, 3), Float64Array.of(4, 5, 6), [7, 8, 9], null])).toEqual([
    [1, 2, 3],
    [4, 5, 6],
    [7, 8, 9],
    null,
  ]);
});

test('no rows make an empty batch with its columns', () => {
  const schema = new Schema([
    field('a', list(struct({ b: new arrow.Utf8() }))),
    field('c', new arrow.Bool()),
  ]);
  const batch = buildBatch(schema, []);
  expect(batch.numRows).toBe(0);
  expect(batch.schema.fields.map(String)).toEqual(schema.fields.map(String));
});

test('half surrogates become replacement characters', () => {
  expect(built(new arrow.Utf8(), ['a\ud800b'])).toEqual(['a\ufffdb']);
});

describe('a value of the wrong type is refused with its column and itself', () => {
  test.each<[arrow.DataType, unknown, string]>([
    [new arrow.Utf8(), 7, 'v: wanted text, got number 7'],
    [new arrow.Bool(), 'true', 'v: wanted a boolean, got text "true"'],
    [new arrow.Float64(), '0.5', 'v: wanted a number, got text "0.5"'],
    [new arrow.Int32(), 1.5, 'v: wanted Int32, got number 1.5'],
    [new arrow.Int8(), 128, 'v: wanted Int8, got number 128'],
    [new arrow.Uint8(), -1, 'v: wanted Uint8, got number -1'],
    [new arrow.Int32(), Number.NaN, 'v: wanted Int32, got number NaN'],
    [new arrow.Int64(), 2 ** 53, 'v: wanted a bigint or a safe whole number, got number 9007199254740992'],
    [new arrow.Int64(), 2n ** 63n, 'v: wanted Int64, got bigint 9223372036854775808'],
    [new arrow.Binary(), 'aGk=', 'v: wanted bytes, got text "aGk="'],
    [new arrow.Null(), 1, 'v: wanted null, got number 1'],
    [list(new arrow.Utf8()), 'abc', 'v: wanted a list, got text "abc"'],
    [list(struct({ label: new arrow.Utf8() })), [{ label: 3 }], 'v[].label: wanted text, got number 3'],
    [struct({ a: new arrow.Int8() }), [1], 'v: wanted an object, got Array of 1'],
    [
      new arrow.FixedSizeList(3, field('item', new arrow.Float32())),
      Float32Array.of(1, 2),
      'v: wanted a list of 3, got Float32Array of 2',
    ],
    [list(new arrow.Int8()), { a: 1 }, 'v: wanted a list, got object {a}'],
  ])('%s, %s', (type, value, message) => {
    expect(() => built(type, [value])).toThrow(new TypeError(message));
  });

  test('a type without plain values is refused at once', () => {
    expect(() => built(new arrow.DateDay(), [])).toThrow(/no plain values for a column of type Date32<DAY>/);
  });
});

test('random rows come back as they went', () => {
  const type = struct({
    s: new arrow.Utf8(),
    l: list(struct({ n: new arrow.Int64(), f: new arrow.Float64(), b: new arrow.Bool() })),
  });
  const item = fc.record({
    n: fc.option(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })),
    f: fc.option(fc.double()),
    b: fc.option(fc.boolean()),
  });
  const row = fc.record({
    s: fc.option(fc.string({ unit: 'grapheme' })),
    l: fc.option(fc.array(fc.option(item))),
  });
  fc.assert(
    fc.property(fc.array(fc.option(row)), (values) => {
      expect(built(type, values)).toEqual(values);
    }),
  );
});
