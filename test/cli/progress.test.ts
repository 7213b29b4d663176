import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Progress } from '../../src/cli/progress.ts';
import type { RunStats } from '../../src/runs/run.ts';

/** A run of 100 rows, 10 of them answered; the last answer came `sinceAnswerMs` ago. */
const stats: RunStats = {
  inFlight: 8,
  limit: 8,
  held: undefined,
  requests: 18,
  retries: 3,
  succeeded: 10,
  failed: 0,
  outcomes: {},
  lastStatus: 503,
  sinceAnswerMs: 0,
  ledger: { read: 100, succeeded: 0, failed: 0, filtered: 0, pending: 100 },
  answered: 10,
};

let lines: Record<string, unknown>[];
let progress: Progress;
/** When the last answer came, on the clock of the test. */
let answeredAt: number;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] });
  lines = [];
  answeredAt = performance.now();
  const log = pino({ base: null }, { write: (line: string) => void lines.push(JSON.parse(line)) });
  progress = new Progress(() => ({ ...stats, sinceAnswerMs: performance.now() - answeredAt }), log, false);
  progress.start();
});
afterEach(() => {
  progress.stop();
  vi.useRealTimers();
});

const said = (event: string) => lines.filter((line) => line.event === event);

describe('progress where there is no terminal', () => {
  test('is one line every 30 s', () => {
    vi.advanceTimersByTime(29_000);
    expect(said('progress')).toEqual([]);
    vi.advanceTimersByTime(32_000);
    expect(said('progress')).toHaveLength(2);
    expect(said('progress')[0]).toMatchObject({ rows: 10, total: 100, in_flight: 8, limit: 8, retries: 3 });
    expect(said('progress')[0]!.msg).toMatch(/^10 % {2}10\/100 rows .* in flight 8\/8 {2}3 retries/);
  });

  test('a stall says so: for how long there was no answer, what is in flight, and the last status', () => {
    vi.advanceTimersByTime(25_000);
    expect(said('stall')).toEqual([]);
    vi.advanceTimersByTime(65_000);
    const stalls = said('stall');
    expect(stalls.map(({ seconds }) => seconds)).toEqual([30, 60, 90]);
    expect(stalls[2]).toMatchObject({
      level: 40,
      in_flight: 8,
      last_status: 503,
      msg: 'no answer for 90 s; 8 in flight; last status 503',
    });
  });

  test('answers that come again end the stall', () => {
    vi.advanceTimersByTime(31_000);
    answeredAt = performance.now();
    vi.advanceTimersByTime(29_000);
    expect(said('stall')).toHaveLength(1);
  });
});
