import * as arrow from 'apache-arrow';
import { describe, expect, test } from 'vitest';
import { dataOf } from '../../src/arrow/data.ts';
import { scaledText } from '../../src/arrow/decimal.ts';
import { cell, rowsOf } from '../../src/arrow/rows.ts';
import { dateText, timestampText, timeText } from '../../src/arrow/times.ts';

function only(type: arrow.DataType, data: ArrayBufferView): unknown {
  return cell(new arrow.Vector([dataOf(type, { length: 1, data })]), 0);
}

describe('cells are exact', () => {
  test.each<[string, unknown, unknown]>([
    ['int64', only(new arrow.Int64(), BigInt64Array.of(2n ** 62n + 1n)), 2n ** 62n + 1n],
    ['decimal', only(new arrow.Decimal(2, 38, 128), Uint32Array.of(1250, 0, 0, 0)), '12.50'],
    ['negative decimal', only(new arrow.Decimal(3, 10, 128), new Uint32Array(4).fill(2 ** 32 - 1)), '-0.001'],
    ['half float', only(new arrow.Float16(), Uint16Array.of(0x3e00)), 1.5],
    ['date64', only(new arrow.DateMillisecond(), BigInt64Array.of(-1n)), '1969-12-31'],
    ['duration', only(new arrow.DurationMillisecond(), BigInt64Array.of(-1500n)), '-1500ms'],
    [
      'interval of years',
      only(new arrow.IntervalYearMonth(), Int32Array.of(-14)),
      { months: -14, days: 0, nanoseconds: 0n },
    ],
    [
      'interval of days',
      only(new arrow.IntervalDayTime(), Int32Array.of(2, -3)),
      { months: 0, days: 2, nanoseconds: -3_000_000n },
    ],
    [
      'interval of all',
      only(new arrow.IntervalMonthDayNano(), Int32Array.of(1, 2, -1, -1)),
      { months: 1, days: 2, nanoseconds: -1n },
    ],
  ])('%s', (_, value, expected) => {
    expect(value).toEqual(expected);
  });

  test('unions give the value of the child that is meant', () => {
    const fields = [
      new arrow.Field('n', new arrow.Int32(), true),
      new arrow.Field('s', new arrow.Utf8(), true),
    ];
    const children = [
      arrow.vectorFromArray([1, 2], new arrow.Int32()).data[0]!,
      arrow.vectorFromArray(['a', null], new arrow.Utf8()).data[0]!,
    ];
    const sparse = arrow.makeData({
      type: new arrow.SparseUnion([0, 5], fields),
      length: 2,
      typeIds: Int8Array.of(0, 5),
      children,
    } as never) as arrow.Data;
    expect([0, 1].map((i) => cell(new arrow.Vector([sparse]), i))).toEqual([1, null]);
    const dense = arrow.makeData({
      type: new arrow.DenseUnion([0, 5], fields),
      length: 3,
      typeIds: Int8Array.of(5, 0, 0),
      valueOffsets: Int32Array.of(0, 0, 1),
      children,
    } as never) as arrow.Data;
    expect([0, 1, 2].map((i) => cell(new arrow.Vector([dense]), i))).toEqual(['a', 1, 2]);
  });

  test('a vector of several chunks, and a row outside', () => {
    const vector = new arrow.Vector([
      arrow.vectorFromArray([1, 2], new arrow.Int32()).data[0]!,
      arrow.vectorFromArray([null, 4], new arrow.Int32()).data[0]!,
    ]);
    expect([0, 1, 2, 3].map((i) => cell(vector, i))).toEqual([1, 2, null, 4]);
    expect(() => cell(vector, 4)).toThrow(RangeError);
  });

  test('rows of a slice', () => {
    const batch = new arrow.RecordBatch({
      a: arrow.vectorFromArray([1, null, 3], new arrow.Int32()).data[0]!,
      b: arrow.vectorFromArray([true, null, false], new arrow.Bool()).data[0]!,
    });
    expect([...rowsOf(batch.slice(1, 3))]).toEqual([
      { a: null, b: null },
      { a: 3, b: false },
    ]);
  });
});

describe('texts', () => {
  test.each<[string, string]>([
    [scaledText(0n, 0), '0'],
    [scaledText(-5n, 1), '-0.5'],
    [scaledText(123n, 3), '0.123'],
    [scaledText(-12n, -2), '-1200'],
    [dateText(0), '1970-01-01'],
    [dateText(-719_163), '0000-12-31'],
    [dateText(2_147_483_647), 'day 2147483647'],
    [timeText(86_399n, arrow.TimeUnit.SECOND), '23:59:59'],
    [timeText(1n, arrow.TimeUnit.NANOSECOND), '00:00:00.000000001'],
    [timestampText(-1n, arrow.TimeUnit.MICROSECOND, true), '1969-12-31T23:59:59.999999Z'],
    [timestampText(86_400n, arrow.TimeUnit.SECOND, false), '1970-01-02T00:00:00'],
    [timestampText(2n ** 63n - 1n, arrow.TimeUnit.MICROSECOND, false), 'day 106751991T04:00:54.775807'],
  ])('%s', (text, expected) => {
    expect(text).toBe(expected);
  });
});
