import { expect, test } from 'vitest';
import { Windows } from '../../src/runs/windows.ts';

const shards = [10, 6].map((rows, id) => ({ id, file: 0, start: 0, rows, selected: rows }));

test('a window knows how many rows of the plan are left, those of later shards included', () => {
  const asked: number[] = [];
  const windowAt = (rowsLeft: number) => {
    asked.push(rowsLeft);
    return 4;
  };
  const local = { windowAt, inFlight: 1, graceMs: 0, files: { folder: '', names: [] } };
  const windows = new Windows(local, { shards });
  expect(windows.at(shards[0]!, 3)).toBe(4);
  expect(windows.at(shards[1]!, 3)).toBe(4);
  expect(asked).toEqual([13, 3]);
  // 4 4 2 and 4 2: a window never spans two shards.
  expect(windows.count(shards)).toBe(5);
});
