import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { sampledBefore, shardsOf } from '../../src/runs/plan.ts';

const request = { file: 0, offset: 0, from: 0, marks: [], rowsPerPart: 10 };

describe('shardsOf', () => {
  test('every row is in exactly one shard, in order, whatever the sizes', () => {
    fc.assert(
      fc.property(fc.nat(500), fc.integer({ min: 1, max: 60 }), (rows, rowsPerPart) => {
        const shards = shardsOf({ ...request, rows, rowsPerPart });
        let next = 0;
        for (const shard of shards) {
          expect(shard.start).toBe(next);
          expect(shard.rows).toBeGreaterThan(0);
          expect(shard.rows).toBeLessThanOrEqual(rowsPerPart);
          next += shard.rows;
        }
        expect(next).toBe(rows);
      }),
    );
  });

  test('a limit ends in the middle of a file and never before it', () => {
    expect(shardsOf({ ...request, rows: 100, offset: 90, limit: 105 })).toEqual([
      { file: 0, start: 0, rows: 10, selected: 10 },
      { file: 0, start: 10, rows: 5, selected: 5 },
    ]);
    expect(shardsOf({ ...request, rows: 100, offset: 110, limit: 105 })).toEqual([]);
  });

  test('a larger limit adds shards behind those that are there', () => {
    const first = shardsOf({ ...request, rows: 100, limit: 15 });
    const more = shardsOf({ ...request, rows: 100, limit: 42, from: 15 });
    expect([...first, ...more].map(({ start, rows }) => [start, rows])).toEqual([
      [0, 10],
      [10, 5],
      [15, 10],
      [25, 10],
      [35, 7],
    ]);
  });

  test('each shard starts at the last mark before it', () => {
    const marks = [
      { row: 0, offset: 3, line: 1 },
      { row: 10, offset: 300, line: 1 },
      { row: 20, offset: 600, line: 1 },
    ];
    expect(shardsOf({ ...request, rows: 30, marks, rowsPerPart: 15 }).map((shard) => shard.mark)).toEqual([
      marks[0],
      marks[1],
    ]);
  });
});

describe('a sample', () => {
  test('has exactly the asked number of rows, spread over the source, in every cut of it', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5000 }), fc.integer({ min: 1, max: 300 }), (total, count) => {
        const shards = shardsOf({ ...request, rows: total, sample: { total, count } });
        const wanted = Math.min(count, total);
        expect(shards.reduce((sum, shard) => sum + shard.selected, 0)).toBe(wanted);
        const half = sampledBefore(Math.floor(total / 2), total, count);
        expect(Math.abs(half - wanted / 2)).toBeLessThanOrEqual(1);
      }),
    );
  });
});
