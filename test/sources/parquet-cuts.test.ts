import { expect, test } from 'vitest';
import { cutsOf } from '../../src/sources/parquet-cuts.ts';

const groups = (count: number, rows: number, rowBytes: number) =>
  Array.from({ length: count }, () => ({ rows, bytes: rows * rowBytes }));

test('a table of narrow rows is read by one query', () => {
  expect(cutsOf(groups(10, 122_880, 100), { start: 100_000, rows: 10_000 })).toEqual([100_000]);
});

test('images are read a few row groups at a time', () => {
  expect(cutsOf(groups(10, 100, 5), { start: 0, rows: 1000 }, 1000)).toEqual([0, 200, 400, 600, 800]);
});

test('a row group of more bytes than that is one query', () => {
  expect(cutsOf(groups(3, 100, 50), { start: 0, rows: 300 }, 1000)).toEqual([0, 100, 200]);
});

test('a large row group is cut where DuckDB decodes the next rows', () => {
  expect(cutsOf(groups(1, 10_000, 1), { start: 0, rows: 10_000 }, 4000)).toEqual([0, 4096, 8192]);
});

test('a range in the middle is cut where the file is, and ends where it ends', () => {
  expect(cutsOf(groups(10, 100, 10), { start: 250, rows: 300 }, 1000)).toEqual([250, 400, 500]);
});

test('row groups without rows are passed over', () => {
  const empty = { rows: 0, bytes: 0 };
  expect(cutsOf([empty, ...groups(2, 100, 10), empty], { start: 0, rows: 200 }, 1000)).toEqual([0, 100]);
});
