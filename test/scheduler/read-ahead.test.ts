import { describe, expect, test } from 'vitest';
import { type BatchingOptions, type ItemSource, ReadAhead } from '../../src/scheduler/read-ahead.ts';

const range = (count: number, from = 0) => Array.from({ length: count }, (_, i) => from + i);

/** Everything that can happen without time passing has happened. */
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

async function* sourceOf(pieces: readonly Iterable<number>[]): AsyncGenerator<Iterable<number>> {
  yield* pieces;
}

/** Reads ahead of `places`; the batches it forms, the timers it sets, and the test's hand on the time. */
function reading(options: Partial<BatchingOptions<number>> & { places?: number } = {}) {
  const batches: number[][] = [];
  const timers: (() => void)[] = [];
  let set = 0;
  const ahead = new ReadAhead<number>({
    batchSize: 1,
    ...options,
    places: () => options.places ?? 1000,
    clock: {
      sleep: () =>
        new Promise((resolve) => {
          set++;
          timers.push(resolve);
        }),
    },
    take: (batch) => batches.push([...batch]),
  });
  return {
    ahead,
    batches,
    timersSet: () => set,
    /** A turn of the event loop's timers. */
    async tick() {
      for (const wake of timers.splice(0)) wake();
      await turn();
    },
    settle(count: number) {
      for (let i = 0; i < count; i++) ahead.settled(0);
    },
  };
}

describe('how far it reads', () => {
  test('four items for each request that may be in flight, and on when half of them are settled', async () => {
    const { ahead, batches, settle } = reading({ places: 8 });
    const done = ahead.read(sourceOf([range(100)]));
    await turn();
    expect(batches).toHaveLength(32);
    settle(15);
    await turn();
    expect(batches).toHaveLength(32);
    settle(1);
    await turn();
    expect(batches).toHaveLength(48);
    expect(ahead.outstanding).toBe(32);
    ahead.stop();
    await done;
  });

  test('items are made when they are taken, not before', async () => {
    let made = 0;
    function* piece() {
      for (let i = 0; i < 1000; i++) {
        made++;
        yield i;
      }
    }
    const { ahead } = reading({ places: 2 });
    const done = ahead.read(sourceOf([piece()]));
    await turn();
    expect(made).toBe(8);
    ahead.stop();
    await done;
  });

  test('of items of 20 MB one for each place, and the next as soon as one is settled', async () => {
    const { ahead, batches, settle } = reading({ places: 8, bytesOf: () => 20e6 });
    const done = ahead.read(sourceOf([range(100)]));
    await turn();
    expect(batches).toHaveLength(8);
    settle(1);
    await turn();
    expect(batches).toHaveLength(9);
    ahead.stop();
    await done;
  });

  test('a full house of half a batch sends it: the items in it are what is waited for', async () => {
    const { ahead, batches } = reading({ places: 1, batchSize: 3, batchKey: (item) => String(item < 2) });
    const done = ahead.read(sourceOf([range(100)]));
    await turn();
    expect(batches).toEqual([[0, 1], [2, 3, 4], [5, 6, 7], [8, 9, 10], [11]]);
    ahead.stop();
    await done;
  });
});

describe('what shares a request', () => {
  test('so many items as fit, across the pieces of the source; the last batch is what is left', async () => {
    const { ahead, batches } = reading({ batchSize: 4 });
    await ahead.read(sourceOf([range(3), range(3, 3), [], range(4, 6)]));
    expect(batches).toEqual([range(4), range(4, 4), [8, 9]]);
  });

  test('only items of one key', async () => {
    const { ahead, batches } = reading({ batchSize: 4, batchKey: (item) => String(item >> 1) });
    await ahead.read(sourceOf([range(5)]));
    expect(batches).toEqual([[0, 1], [2, 3], [4]]);
  });

  test('where the source says what ends a batch, nothing else does: not its size, not a full house, not a pause', async () => {
    const { ahead, batches, timersSet, settle } = reading({
      places: 1,
      batchSize: 2,
      endsBatch: (item) => item % 10 === 9,
    });
    const done = ahead.read(sourceOf([range(10), range(15, 10)]));
    await turn();
    expect(batches).toEqual([range(10)]);
    settle(10);
    await turn();
    expect(batches).toEqual([range(10), range(10, 10)]);
    settle(10);
    await done;
    expect(batches).toEqual([range(10), range(10, 10), range(5, 20)]);
    expect(timersSet()).toBe(0);
  });
});

describe('a source that pauses', () => {
  test('gets the half-full batch sent after one turn of the timers', async () => {
    let goOn: () => void = () => undefined;
    async function* source(): AsyncGenerator<number[]> {
      yield [0, 1];
      await new Promise<void>((resolve) => {
        goOn = resolve;
      });
      yield [2];
    }
    const { ahead, batches, tick } = reading({ batchSize: 32 });
    const done = ahead.read(source());
    await turn();
    expect(batches).toEqual([]);
    await tick();
    expect(batches).toEqual([[0, 1]]);
    goOn();
    await done;
    expect(batches).toEqual([[0, 1], [2]]);
  });

  test('that gives 10,000 items one by one is read in one turn, with one timer: not at the pace of timers', async () => {
    const { ahead, batches, timersSet } = reading({ batchSize: 32 });
    let turns = 0;
    const finished = ahead.read(sourceOf(range(10_000).map((item) => [item])));
    let done = false;
    void finished.then(() => {
      done = true;
    });
    while (!done && turns < 100) {
      turns++;
      await turn();
    }
    expect(turns).toBe(1);
    expect(timersSet()).toBe(1);
    expect(batches.flat()).toEqual(range(10_000));
  });

  test('a batch that goes on filling while its timer is out is not cut', async () => {
    const waiting: (() => void)[] = [];
    async function* source(): AsyncGenerator<number[]> {
      for (let i = 0; i < 6; i++) {
        yield [i];
        await new Promise<void>((resolve) => waiting.push(resolve));
      }
    }
    const { ahead, batches, tick } = reading({ batchSize: 6 });
    const done = ahead.read(source());
    await turn();
    for (let i = 0; i < 5; i++) {
      waiting.shift()!();
      await turn();
      // Items came since the timer was set.
      if (i % 2 === 0) await tick();
    }
    waiting.shift()!();
    await done;
    expect(batches).toEqual([range(6)]);
  });
});

describe('the end', () => {
  test('after a stop nothing is taken, and the source is told that nobody reads on', async () => {
    let closed = false;
    let read = 0;
    const source: ItemSource<number> = {
      async *[Symbol.asyncIterator]() {
        try {
          for (;;) yield [read++];
        } finally {
          closed = true;
        }
      },
    };
    const { ahead, batches } = reading({ places: 1, batchSize: 3 });
    const done = ahead.read(source);
    await turn();
    const [taken, readBefore] = [batches.length, read];
    ahead.stop();
    await done;
    await turn();
    expect(closed).toBe(true);
    expect(batches).toHaveLength(taken);
    expect(read).toBe(readBefore);
  });

  test('what the source throws is thrown', async () => {
    const { ahead, batches } = reading({ batchSize: 2 });
    function* broken() {
      yield* range(3);
      throw new Error('EIO');
    }
    await expect(ahead.read(sourceOf([broken()]))).rejects.toThrow('EIO');
    expect(batches).toEqual([[0, 1]]);
  });
});
