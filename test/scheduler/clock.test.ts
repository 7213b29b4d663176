import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { systemClock } from '../../src/scheduler/clock.ts';

const hourMs = 3_600_000;
const monthMs = 30 * 24 * hourMs;

describe('the clock of a run', () => {
  beforeEach(() => vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance', 'Date'] }));
  afterEach(() => vi.useRealTimers());

  async function hasEnded(sleep: Promise<void>): Promise<boolean> {
    return Promise.race([sleep.then(() => true), Promise.resolve().then(() => Promise.resolve(false))]);
  }

  test('a sleep of a month lasts a month: timers that are too long fire at once', async () => {
    const sleep = systemClock.sleep(monthMs);
    await vi.advanceTimersByTimeAsync(monthMs - 1);
    expect(await hasEnded(sleep)).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(await hasEnded(sleep)).toBe(true);
  });

  test('a long sleep ends at once when the run does, and leaves no timer', async () => {
    const run = new AbortController();
    const sleep = systemClock.sleep(monthMs, run.signal);
    await vi.advanceTimersByTimeAsync(monthMs - hourMs);
    run.abort();
    await sleep;
    expect(vi.getTimerCount()).toBe(0);
  });

  test.each([5, -5])('a wall clock that is set by %d hours moves neither now nor a sleep', async (hours) => {
    const before = systemClock.now();
    const sleep = systemClock.sleep(60_000);
    vi.setSystemTime(Date.now() + hours * hourMs);
    expect(systemClock.now()).toBe(before);
    await vi.advanceTimersByTimeAsync(59_999);
    expect(await hasEnded(sleep)).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(await hasEnded(sleep)).toBe(true);
    expect(systemClock.now() - before).toBe(60_000);
  });
});
