import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { packed, windowsOf } from '../../../src/backends/onnx/packing.ts';
import { sizing } from '../../../src/backends/onnx/workers.ts';

const lengths = fc.array(fc.integer({ min: 0, max: 600 }), { maxLength: 300 });

/** All ways to cut so many things in a row, as the ends of the pieces. */
function cutsOf(count: number): number[][] {
  return Array.from({ length: 2 ** (count - 1) }, (_, bits) =>
    Array.from({ length: count }, (_, i) => i + 1).filter((end) => end === count || (bits >> (end - 1)) & 1),
  );
}

/** Tokens with padding, and 12 for each run; infinite where a run is too large. */
function costOf(sorted: readonly number[], ends: readonly number[]): number {
  let cost = 0;
  for (const [i, end] of ends.entries()) {
    const first = ends[i - 1] ?? 0;
    const area = sorted[first]! * (end - first);
    if (end - first > 6 || (end - first > 1 && area > 120)) return Number.POSITIVE_INFINITY;
    cost += area + 12;
  }
  return cost;
}

describe('packing', () => {
  test('every sequence is in one run, and every run keeps its bounds', () => {
    fc.assert(
      fc.property(lengths, (all) => {
        const runs = packed(all, 512, 64);
        expect(runs.flat().sort((a, b) => a - b)).toEqual(all.map((_, i) => i));
        for (const run of runs) {
          const longest = Math.max(...run.map((i) => all[i]!));
          expect(run.length).toBeLessThanOrEqual(64);
          if (run.length > 1) expect(longest * run.length).toBeLessThanOrEqual(512);
        }
      }),
    );
  });

  test('no other way to cut the sorted sequences costs less', () => {
    const few = fc.array(fc.integer({ min: 0, max: 40 }), { minLength: 1, maxLength: 9 });
    fc.assert(
      fc.property(few, (all) => {
        const sorted = [...all].sort((a, b) => b - a);
        const costs = cutsOf(sorted.length).map((ends) => costOf(sorted, ends));
        const runs = packed(all, 120, 6);
        const ends = runs.map((_, i) => runs.slice(0, i + 1).flat().length);
        expect(costOf(sorted, ends)).toBe(Math.min(...costs));
      }),
    );
  });

  test('a run packs to itself: a group of rows that was planned is run as it was planned', () => {
    fc.assert(
      fc.property(lengths, (all) => {
        for (const run of packed(all, 512, 64))
          expect(
            packed(
              run.map((i) => all[i]!),
              512,
              64,
            ),
          ).toHaveLength(1);
      }),
    );
  });

  test('lengths like those of real texts leave at most 1 % of padding in a window of 1024', () => {
    const all = Array.from({ length: 1024 }, (_, i) =>
      Math.round(10 + 60 * Math.abs(Math.sin(i * 1.7)) ** 3),
    );
    const padding = packed(all, 512, 128).map((run) => {
      const area = all[run[0]!]! * run.length;
      return area - run.reduce((sum, i) => sum + all[i]!, 0);
    });
    const sum = all.reduce((total, length) => total + length, 0);
    expect(padding.reduce((total, tokens) => total + tokens, 0) / sum).toBeLessThan(0.01);
  });
});

describe('a window', () => {
  test('has fewer rows the larger the model is', () => {
    const most = [1e3, 23e6, 90e6, 110e6, 1.3e9].map((bytes) => windowsOf(undefined, bytes)(100_000));
    expect(most).toEqual([1024, 1024, 512, 256, 256]);
  });

  test('has fewer rows towards the end, so that no worker is left alone with many', () => {
    const windowAt = windowsOf(undefined, 1e6);
    const sizes: number[] = [];
    for (let left = 10_000; left > 0; left -= sizes.at(-1)!) sizes.push(Math.min(left, windowAt(left)));
    expect(sizes.slice(4, 8)).toEqual([1024, 1024, 964, 723]);
    expect(sizes.slice(1).every((size, i) => size <= sizes[i]!)).toBe(true);
    expect(sizes.at(-1)).toBeLessThanOrEqual(128);
    // A job of 1,000 rows has work for seven cores.
    expect([1000, 500, 128].map(windowAt)).toEqual([250, 128, 128]);
  });

  test('has as many rows as the job says', () => {
    expect([1, 5000].map(windowsOf(7, 1e9))).toEqual([7, 7]);
  });
});

describe('workers', () => {
  const machine = { cores: 8, memoryBytes: 32e9 };

  test('one for each core, with one thread', () => {
    expect(sizing({}, 90e6, machine)).toEqual({ workers: 8, threads: 1 });
  });

  test('fewer where the memory does not hold so many models, with threads for the cores that are left', () => {
    expect(sizing({}, 4.5e9, machine)).toEqual({ workers: 2, threads: 4 });
    expect(sizing({}, 90e9, machine)).toEqual({ workers: 1, threads: 8 });
  });

  test('what the job says is taken', () => {
    expect(sizing({ workers: 3 }, 90e9, machine)).toEqual({ workers: 3, threads: 2 });
    expect(sizing({ threads: 4 }, 90e6, machine)).toEqual({ workers: 2, threads: 4 });
    expect(sizing({ workers: 16, threads: 2 }, 90e6, machine)).toEqual({ workers: 16, threads: 2 });
  });
});
