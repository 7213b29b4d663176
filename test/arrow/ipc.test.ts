import * as arrow from 'apache-arrow';
import { expect, test } from 'vitest';
import { buildBatch } from '../../src/arrow/build.ts';
import { decodeBatch, encodeBatch } from '../../src/arrow/ipc.ts';
import { rowsOf } from '../../src/arrow/rows.ts';

const item = (type: arrow.DataType) => new arrow.Field('item', type, true);
const schema = new arrow.Schema([
  new arrow.Field('row', new arrow.Int64(), true),
  new arrow.Field('text', new arrow.Utf8(), true),
  new arrow.Field('vector', new arrow.FixedSizeList(3, item(new arrow.Float32())), true),
  new arrow.Field('scores', new arrow.List(item(new arrow.Float64())), true),
]);
const rows = Array.from({ length: 100 }, (_, i) => ({
  row: BigInt(i),
  text: i % 3 ? `row ${i}` : null,
  vector: i % 4 ? [i, null, -i] : null,
  scores: i % 5 ? Array.from({ length: i % 3 }, (_, k) => k / 3) : null,
}));

test('a batch and its schema come back from bytes alone, wherever the bytes lie', () => {
  const bytes = encodeBatch(buildBatch(schema, rows));
  for (const offset of [0, 1, 8, 13]) {
    const frame = new Uint8Array(bytes.length + offset);
    frame.set(bytes, offset);
    const batch = decodeBatch(frame.subarray(offset));
    expect([...rowsOf(batch)]).toEqual(rows);
    expect(batch.schema.fields.map(String)).toEqual(schema.fields.map(String));
  }
});

test('the same rows give the same bytes', () => {
  expect(encodeBatch(buildBatch(schema, rows))).toEqual(encodeBatch(buildBatch(schema, rows)));
});

test('a batch without rows', () => {
  const batch = decodeBatch(encodeBatch(buildBatch(schema, [])));
  expect(batch.numRows).toBe(0);
  expect(batch.schema.fields.map(String)).toEqual(schema.fields.map(String));
});

test('a dictionary goes with its batch', () => {
  const dictionary = arrow.vectorFromArray(
    ['a', 'b', 'a', null],
    new arrow.Dictionary(new arrow.Utf8(), new arrow.Int8()),
  );
  const batch = new arrow.RecordBatch({ label: dictionary.data[0]! });
  expect([...rowsOf(decodeBatch(encodeBatch(batch)))]).toEqual([
    { label: 'a' },
    { label: 'b' },
    { label: 'a' },
    { label: null },
  ]);
});

test('bytes that are cut short, or hold no batch, are refused', () => {
  const bytes = encodeBatch(buildBatch(schema, rows));
  expect(() => decodeBatch(bytes.subarray(0, bytes.length >> 1))).toThrow();
  expect(() => decodeBatch(new Uint8Array(0))).toThrow(/0 batches where there should be one/);
});
