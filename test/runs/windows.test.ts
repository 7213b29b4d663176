import { expect, test } from 'vitest';
import { Windows } from '../../src/runs/windows.ts';

/** Windows of a local model over shards of so many rows, and what it was told is left whenever it was asked. */
function windowsOver(...sizes: { rows: number; selected: number }[]) {
  const left: number[] = [];
  const windowAt = (rowsLeft: number) => {
    left.push(rowsLeft);
    return 4;
  };
  const shards = sizes.map((size, id) => ({ id, file: 0, start: 0, ...size }));
  const local = { windowAt, inFlight: 1, graceMs: 0, files: { folder: '', names: [] } };
  return { windows: new Windows(local, { shards }), shards, left };
}

test('a window knows how many rows of the plan are left, those of later shards included', () => {
  const { windows, shards, left } = windowsOver({ rows: 10, selected: 10 }, { rows: 6, selected: 6 });
  expect(shards.map((shard) => windows.at(shard, 3))).toEqual([4, 4]);
  expect(left).toEqual([13, 3]);
});

test('of a sample only the rows that are drawn are left', () => {
  const { windows, shards, left } = windowsOver({ rows: 1000, selected: 10 }, { rows: 600, selected: 6 });
  expect(shards.map((shard) => windows.at(shard, 300))).toEqual([4, 4]);
  expect(left).toEqual([13, 3]);
  expect(windows.count(shards)).toBe(5);
});

test('a window never spans two shards', () => {
  const { windows, shards } = windowsOver({ rows: 10, selected: 10 }, { rows: 6, selected: 6 });
  // 4 4 2 and 4 2.
  expect(windows.count(shards)).toBe(5);
});
