import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RowRefused } from '../../../src/backends/backend.ts';
import { Window } from '../../../src/backends/onnx/window.ts';
import { texts } from './kit.ts';

const killed = 'a worker was ended by SIGKILL';

/** Does the runs that are left: each answer names the rows that shared its run. */
function work(window: Window, runs = Number.POSITIVE_INFINITY): void {
  for (let i = 0; i < runs && window.runsLeft > 0; i++) {
    const rows = window.plan![0]!;
    window.answered({ answers: rows.map((row) => `${row} of ${rows.join()}`), refused: [] });
  }
}

function windowOf(rows: number, plan: number[][]): Window {
  const window = new Window(texts(Array.from({ length: rows }, (_, i) => `row ${i}`)));
  window.planned(plan, []);
  return window;
}

const quiet = ['0 of 0,1', '1 of 0,1', '2 of 2,3', '3 of 2,3'];

describe('a window', () => {
  test('answers come back in the order of its rows', () => {
    const window = windowOf(4, [
      [3, 2],
      [1, 0],
    ]);
    work(window);
    expect(window.answers).toEqual(['0 of 1,0', '1 of 1,0', '2 of 3,2', '3 of 3,2']);
  });

  test('a worker that dies by chance costs one run, and changes no answer', () => {
    const window = windowOf(4, [
      [0, 1],
      [2, 3],
    ]);
    work(window, 1);
    expect(window.died(killed)).toBeUndefined();
    expect(window.plan).toEqual([[2, 3]]);
    work(window);
    expect(window.answers).toEqual(quiet);
  });

  test('two deaths by chance at one run change no answer either: its innocent rows are run together again', () => {
    const window = windowOf(4, [
      [0, 1],
      [2, 3],
    ]);
    window.died(killed);
    window.died(killed);
    expect(window.plan).toEqual([[0], [1], [0, 1], [2, 3]]);
    work(window);
    expect(window.answers).toEqual(quiet);
  });

  test('a death during a later run, whose answers before it were not told, blames no innocent run', () => {
    const window = windowOf(4, [[0], [1], [2, 3]]);
    // The worker was at the last run.
    expect(window.died(killed)).toBeUndefined();
    expect(window.plan).toEqual([[0], [1], [2, 3]]);
    // The next ones tell each run.
    work(window, 2);
    window.died(killed);
    expect(window.plan).toEqual([[2, 3]]);
    window.died(killed);
    expect(window.plan).toEqual([[2], [3], [2, 3]]);
    window.died(killed);
    window.died(killed);
    work(window);
    expect(window.answers.slice(0, 2)).toEqual(['0 of 0', '1 of 1']);
    expect(window.answers[2]).toBeInstanceOf(RowRefused);
    expect(window.answers[3]).toBe('3 of 3');
  });

  test('a row that kills two workers alone is refused; its neighbours are answered', () => {
    const window = windowOf(3, [[0, 1, 2]]);
    const deaths = dieWhere(window, (rows) => rows.includes(1));
    expect(deaths).toBe(4);
    expect(window.answers[0]).toBe('0 of 0,2');
    expect(window.answers[1]).toMatchObject({ kind: 'crashed', message: `${killed}, 2 times at this row` });
    expect(window.answers[2]).toBe('2 of 0,2');
  });

  test('rows that kill only together are answered alone', () => {
    const window = windowOf(3, [[0, 1, 2]]);
    dieWhere(window, (rows) => rows.length > 1);
    expect(window.answers).toEqual(['0 of 0', '1 of 1', '2 of 2']);
  });

  test('a run that the model refuses is not tried again as it is: the row that it cannot take is found', () => {
    const window = windowOf(3, [[0, 1, 2]]);
    window.failed('bad input');
    expect(window.plan).toEqual([[0], [1], [2], [0, 1, 2]]);
    work(window, 1);
    window.failed('bad input');
    work(window);
    expect(window.answers[1]).toMatchObject({ kind: 'rejected', message: 'bad input' });
    expect(window.answers[2]).toBe('2 of 0,2');
  });

  test('a worker that dies before it has planned fails the call the second time, so that it is halved', () => {
    const window = new Window(texts(['a', 'b']));
    expect(window.died(killed)).toBeUndefined();
    expect(window.died(killed)).toMatchObject({ class: 'rejected', kind: 'crashed' });
    const single = new Window(texts(['a']));
    single.died(killed);
    expect(single.died(killed)).toBeUndefined();
    expect(single.runsLeft).toBe(0);
    expect(single.answers[0]).toBeInstanceOf(RowRefused);
  });

  test('whatever rows kill, every row ends with an answer or a refusal, and the guilty ones are refused', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 0, max: 11 })), (guilty) => {
        const window = windowOf(12, [[0, 1, 2, 3, 4], [5, 6, 7, 8], [9, 10], [11]]);
        dieWhere(window, (rows) => rows.some((row) => guilty.includes(row)));
        for (let row = 0; row < 12; row++) {
          if (guilty.includes(row)) expect(window.answers[row]).toBeInstanceOf(RowRefused);
          else expect(window.answers[row]).toMatch(new RegExp(`^${row} of`));
        }
      }),
    );
  });
});

/** Works until nothing is left; the worker dies of the runs that it is told to. @returns how often */
function dieWhere(window: Window, deadly: (rows: readonly number[]) => boolean): number {
  let deaths = 0;
  while (window.runsLeft > 0) {
    if (deadly(window.plan![0]!)) {
      window.died(killed);
      deaths++;
    } else work(window, 1);
  }
  return deaths;
}

test('a window that a worker died of is to be given to a worker of its own', () => {
  const window = new Window(texts(['a', 'b']));
  expect(window.suspect).toBe(false);
  window.planned([[0], [1]], []);
  window.died('a worker was ended by SIGKILL');
  expect(window.suspect).toBe(true);
});
