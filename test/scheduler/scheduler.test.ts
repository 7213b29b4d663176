import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { seeded, simulate } from './server.ts';

const range = (count: number) => Array.from({ length: count }, (_, i) => i);
const sorted = (items: readonly number[]) => [...items].sort((a, b) => a - b);

describe('a calm server', () => {
  test('every row is answered once, as many at a time as allowed', async () => {
    const { ending, succeeded, requests, maxInFlight, duration } = await simulate({
      rows: 1000,
      script: () => undefined,
      concurrency: 16,
    });
    expect(ending).toEqual({ kind: 'done' });
    expect(sorted(succeeded)).toEqual(range(1000));
    expect(requests).toHaveLength(1000);
    expect(maxInFlight).toBe(16);
    // 1,000 rows, 16 at a time, 100 ms each; the first goes alone.
    expect(duration).toBeLessThan(1.05 * (100 + (999 / 16) * 100));
  });

  test('rows in memory are a few times the concurrency, not the source', async () => {
    const { maxInMemory } = await simulate({
      rows: 20_000,
      script: () => undefined,
      concurrency: 8,
      latencyMs: 1,
    });
    expect(maxInMemory).toBeLessThanOrEqual(4 * 8 + 1);
  });

  test.each([
    ['one for each place', 1, 8],
    ['one batch for each place', 4, 32],
  ])('of rows of 20 MB there is %s in memory, and every place is used', async (_, batchSize, most) => {
    const { maxInMemory, maxInFlight, succeeded } = await simulate({
      rows: 400,
      script: () => undefined,
      concurrency: 8,
      batchSize,
      rowBytes: 20e6,
    });
    expect(maxInMemory).toBeLessThanOrEqual(most + batchSize);
    expect(maxInFlight).toBe(8);
    expect(sorted(succeeded)).toEqual(range(400));
  });

  test('the first request goes alone: it shows that token, model and shape are right', async () => {
    const { requests } = await simulate({ rows: 100, script: () => undefined });
    expect(requests.filter(({ now }) => now < 100)).toHaveLength(1);
  });

  test('rows go together up to the batch size, and a last short batch is not waited for', async () => {
    const { requests, succeeded } = await simulate({ rows: 100, script: () => undefined, batchSize: 16 });
    expect(sorted(succeeded)).toEqual(range(100));
    expect(requests.map(({ items }) => items.length).sort((a, b) => b - a)).toEqual([
      16, 16, 16, 16, 16, 16, 4,
    ]);
  });

  test('a ceiling of requests a second is kept, also after a pause', async () => {
    const { requests } = await simulate({
      rows: 200,
      script: ({ now, attempt }) =>
        now < 2000 && attempt === 1 && now > 1000 ? { class: 'throttled', retryAfterMs: 3000 } : undefined,
      requestsPerSecond: 20,
    });
    const times = requests.map(({ now }) => now).sort((a, b) => a - b);
    for (let i = 0; i + 20 < times.length; i++) expect(times[i + 20]! - times[i]!).toBeGreaterThan(990);
  });
});

describe('whose fault', () => {
  test('a row that alone keeps failing becomes a failed row; the others succeed and the run ends', async () => {
    const { ending, succeeded, failed } = await simulate({
      rows: 500,
      script: ({ items }) => (items.includes(77) ? { status: 500 } : undefined),
    });
    expect(ending).toEqual({ kind: 'done' });
    expect(failed).toMatchObject([{ item: 77, attempts: 8, failure: { kind: 'server', status: 500 } }]);
    expect(succeeded).toHaveLength(499);
  });

  test('150 such rows of 3,000, left over at the end, do not look like an outage', async () => {
    const poison = (item: number) => item % 20 === 7;
    const { ending, succeeded, failed, duration } = await simulate({
      rows: 3000,
      script: ({ items }) => (items.some(poison) ? { status: 500 } : undefined),
    });
    expect(ending).toEqual({ kind: 'done' });
    expect(succeeded).toHaveLength(2850);
    expect(failed).toHaveLength(150);
    expect(duration).toBeLessThan(180_000);
  });

  test.each(['transient', 'overloaded'] as const)(
    '90 s in which everything is %s fail no row',
    async (kind) => {
      const { ending, succeeded, failed, requests } = await simulate({
        rows: 3000,
        script: ({ now }) =>
          now > 3000 && now < 93_000
            ? { class: kind, kind: kind === 'transient' ? 'server' : 'refused' }
            : undefined,
      });
      expect(ending).toEqual({ kind: 'done' });
      expect(failed).toEqual([]);
      expect(sorted(succeeded)).toEqual(range(3000));
      // Probes, not storms: a handful of rows were in flight when it began, then one request at a time.
      expect(requests.filter(({ answered }) => !answered).length).toBeLessThan(200);
    },
  );

  test('a job of one row that always fails has one failed row', async () => {
    const { ending, failed } = await simulate({ rows: 1, script: () => ({ status: 500 }) });
    expect(ending).toEqual({ kind: 'done' });
    expect(failed).toMatchObject([{ item: 0, attempts: 8 }]);
  });

  test('an endpoint that only fails is given up in time, its rows are pending', async () => {
    const { ending, settled, duration } = await simulate({
      rows: 1000,
      script: () => ({ class: 'overloaded', status: 503 }),
      giveUpAfterMs: 60_000,
    });
    expect(ending).toMatchObject({ kind: 'gave-up' });
    expect(settled).toEqual([]);
    expect(duration).toBeGreaterThanOrEqual(60_000);
    expect(duration).toBeLessThan(61_000);
  });
});

describe('a model that is loading', () => {
  test('one probe waits, with wait_for_model after the first 503; everything else holds', async () => {
    const { ending, succeeded, requests } = await simulate({
      rows: 300,
      script: ({ now }) =>
        now < 20_000 ? { class: 'loading', kind: 'loading', status: 503, estimatedMs: 20_000 } : undefined,
    });
    expect(ending).toEqual({ kind: 'done' });
    expect(succeeded).toHaveLength(300);
    const early = requests.filter(({ now }) => now < 20_000);
    expect(early.length).toBeLessThan(12);
    expect(early.map(({ waitForModel }) => waitForModel)).toEqual([false, ...early.slice(1).map(() => true)]);
    expect(early.every(({ inFlight }) => inFlight === 1)).toBe(true);
    // Once it is there, nobody asks to be held any more.
    expect(requests.filter(({ now, waitForModel }) => now > 26_000 && waitForModel)).toEqual([]);
  });

  test('an estimate that never changes is not believed for ever', async () => {
    const { requests } = await simulate({
      rows: 10,
      script: ({ now }) =>
        now < 30_000 ? { class: 'loading', kind: 'loading', estimatedMs: 3_600_000 } : undefined,
    });
    expect(requests.filter(({ answered }) => answered)[0]!.now).toBeLessThan(36_000);
  });

  test('wait_for_model: false never asks to be held', async () => {
    const { requests, succeeded } = await simulate({
      rows: 10,
      waitForModel: false,
      script: ({ now }) => (now < 5_000 ? { class: 'loading', kind: 'loading' } : undefined),
    });
    expect(succeeded).toHaveLength(10);
    expect(requests.some(({ waitForModel }) => waitForModel)).toBe(false);
  });
});

describe('a server that asks for a pause', () => {
  test('Retry-After holds the whole endpoint: nothing goes out before it is over', async () => {
    let pausedUntil = 0;
    const { succeeded, requests } = await simulate({
      rows: 500,
      script: ({ now, attempt }) => {
        if (now < 1000 || now > 1100 || attempt > 1) return undefined;
        pausedUntil = Math.max(pausedUntil, now + 100 + 7000);
        return { class: 'throttled', kind: 'rate_limit', status: 429, retryAfterMs: 7000 };
      },
    });
    expect(succeeded).toHaveLength(500);
    expect(pausedUntil).toBeGreaterThan(0);
    expect(requests.filter(({ now }) => now > 1200 && now < pausedUntil - 100)).toEqual([]);
  });

  test('a pause of a year is not waited for, also when an older request succeeds after it was asked for', async () => {
    const { ending, duration } = await simulate({
      rows: 500,
      giveUpAfterMs: 60_000,
      script: ({ items, now }) =>
        now >= 1000 && items[0]! % 2 === 0
          ? { class: 'throttled', kind: 'rate_limit', status: 429, retryAfterMs: 365 * 86_400_000 }
          : undefined,
    });
    expect(ending).toMatchObject({ kind: 'gave-up', failure: { status: 429 } });
    expect(duration).toBeGreaterThanOrEqual(60_000);
    expect(duration).toBeLessThan(63_000);
  });

  test('a pause of nothing, or until a time that is past, is not taken for leave to come back at once', async () => {
    const { succeeded, requests } = await simulate({
      rows: 100,
      script: ({ now }) =>
        now < 10_000 ? { class: 'throttled', kind: 'rate_limit', status: 429, retryAfterMs: 0 } : undefined,
    });
    expect(succeeded).toHaveLength(100);
    expect(requests.filter(({ answered }) => !answered).length).toBeLessThan(20);
  });

  test('refusals among successes are no reason to give up, however long they go on', async () => {
    const { ending, succeeded, duration } = await simulate({
      rows: 3000,
      giveUpAfterMs: 10_000,
      script: ({ items, attempt }) =>
        items[0]! % 2 === 0 && attempt === 1
          ? { class: 'throttled', kind: 'rate_limit', status: 429, retryAfterMs: 900 }
          : undefined,
    });
    expect(ending).toEqual({ kind: 'done' });
    expect(succeeded).toHaveLength(3000);
    expect(duration).toBeGreaterThan(60_000);
  });

  test('refusals shrink the number in flight, success lets it grow again', async () => {
    const places = 4;
    const { succeeded, requests } = await simulate({
      rows: 400,
      script: ({ inFlight }) =>
        inFlight > places ? { class: 'overloaded', kind: 'overloaded', status: 503 } : undefined,
    });
    expect(succeeded).toHaveLength(400);
    expect(requests.filter(({ answered }) => !answered).length).toBeLessThan(400);
  });
});

describe('a refused batch', () => {
  test('is halved until the guilty row stands alone; its siblings succeed', async () => {
    const { succeeded, failed, requests } = await simulate({
      rows: 64,
      batchSize: 32,
      script: ({ items }) =>
        items.includes(13) ? { class: 'rejected', kind: 'rejected', status: 400 } : undefined,
    });
    expect(failed).toMatchObject([{ item: 13 }]);
    expect(sorted(succeeded)).toEqual(range(64).filter((i) => i !== 13));
    // log2(32) halvings, two requests each.
    expect(requests.length).toBeLessThanOrEqual(2 + 10);
  });

  test('a single refused row fails at once, with the words of the server', async () => {
    const { failed, requests } = await simulate({
      rows: 1,
      script: () => ({ class: 'rejected', kind: 'rejected', status: 422, message: '422 too long' }),
    });
    expect(failed).toMatchObject([{ attempts: 1, failure: { status: 422, message: '422 too long' } }]);
    expect(requests).toHaveLength(1);
  });
});

describe('the end of a run', () => {
  test('a fatal answer to each of many requests in flight warns of no leak', async () => {
    const warned: Error[] = [];
    const listener = (warning: Error) => void warned.push(warning);
    process.on('warning', listener);
    const { ending } = await simulate({
      rows: 500,
      script: ({ now }) => (now >= 1000 ? { class: 'fatal', kind: 'auth', status: 401 } : undefined),
    });
    await new Promise((resolve) => setImmediate(resolve));
    process.off('warning', listener);
    expect(ending).toMatchObject({ kind: 'fatal' });
    expect(warned).toEqual([]);
  });

  test('a fatal answer stops it at once and fails nothing', async () => {
    const { ending, failed, requests, duration } = await simulate({
      rows: 10_000,
      script: ({ now }) => (now >= 1000 ? { class: 'fatal', kind: 'auth', status: 401 } : undefined),
    });
    expect(ending).toMatchObject({ kind: 'fatal', failure: { status: 401 } });
    expect(failed).toEqual([]);
    expect(requests.filter(({ now }) => now >= 1000).length).toBeLessThanOrEqual(32);
    expect(duration).toBeLessThan(7000);
  });

  test('a stop lets what is in flight come in and sends nothing more', async () => {
    const { ending, succeeded, requests } = await simulate({
      rows: 1000,
      script: () => undefined,
      onSettled: (scheduler, settled) => {
        if (settled === 100) scheduler.stop();
      },
    });
    expect(ending).toEqual({ kind: 'stopped' });
    expect(succeeded).toHaveLength(requests.length);
    expect(succeeded.length).toBeLessThan(100 + 33);
  });

  test.each([1, 5, 32, 50])('a budget of %i requests is not exceeded by one', async (maxRequests) => {
    const { ending, requests, succeeded } = await simulate({
      rows: 1000,
      script: () => undefined,
      budget: { maxRequests },
    });
    expect(ending).toEqual({ kind: 'budget', which: 'max_requests' });
    expect(requests).toHaveLength(maxRequests);
    expect(succeeded).toHaveLength(maxRequests);
  });

  test('a budget of time ends it cleanly', async () => {
    const runtime = await simulate({
      rows: 100_000,
      script: () => undefined,
      budget: { maxRuntimeMs: 5000 },
    });
    expect(runtime.ending).toEqual({ kind: 'budget', which: 'max_runtime_s' });
    expect(runtime.duration).toBeLessThanOrEqual(5100);
  });
});

test('whatever goes wrong for a while, every row is settled once, and no request goes out above what is allowed at its time', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer(),
      fc.integer({ min: 1, max: 8 }),
      fc.double({ min: 0, max: 0.5, noNaN: true }),
      async (seed, batchSize, share) => {
        const random = seeded(seed);
        const kinds = [
          { class: 'transient', kind: 'server' },
          { class: 'transient', kind: 'reset' },
          { class: 'throttled', kind: 'rate_limit', retryAfterMs: 1000 },
          { class: 'overloaded', kind: 'overloaded' },
          { class: 'loading', kind: 'loading', estimatedMs: 2000 },
        ] as const;
        const { ending, settled, requests } = await simulate({
          rows: 200,
          batchSize,
          concurrency: 8,
          seed,
          script: ({ now }) =>
            now < 60_000 && random() < share ? kinds[Math.floor(random() * kinds.length)] : undefined,
        });
        expect(ending).toEqual({ kind: 'done' });
        expect(sorted(settled.map(({ item }) => item))).toEqual(range(200));
        expect(requests.filter(({ inFlight, limit }) => inFlight > limit)).toEqual([]);
      },
    ),
    { numRuns: 40 },
  );
});
