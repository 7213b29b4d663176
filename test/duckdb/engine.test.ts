import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Engine, type StreamOptions } from '../../src/duckdb/engine.ts';
import { quoteIdentifier, quoteLiteral } from '../../src/duckdb/quote.ts';
import { numbers } from './numbers.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await Engine.open();
});
afterAll(async () => {
  await engine.close();
});

describe('settings', () => {
  test('nothing is downloaded, times are UTC, and SQL cannot change that', async () => {
    const rows = await engine.rows(
      `SELECT name, value FROM duckdb_settings() WHERE name IN
       ('autoinstall_known_extensions', 'autoload_known_extensions', 'TimeZone', 'preserve_insertion_order')`,
    );
    expect(Object.fromEntries(rows.map((row) => [row.name, row.value]))).toEqual({
      autoinstall_known_extensions: 'false',
      autoload_known_extensions: 'false',
      preserve_insertion_order: 'true',
      TimeZone: 'UTC',
    });
    await expect(engine.run("SET TimeZone = 'Asia/Tokyo'")).rejects.toThrow(/locked/);
    await expect(engine.rows("SELECT * FROM read_csv('https://127.0.0.1:1/x.csv')")).rejects.toThrow(
      /httpfs/,
    );
  });
});

describe('queries', () => {
  test('rows come as plain values', async () => {
    expect(
      await engine.rows("SELECT 1::BIGINT AS big, 'x' AS text, [1, 2] AS list, NULL AS nothing"),
    ).toEqual([{ big: 1n, text: 'x', list: [1, 2], nothing: null }]);
  });

  test('DuckDB says what is wrong in its own words', async () => {
    await expect(engine.rows('SELECT nme FROM (SELECT 1 AS name)')).rejects.toThrow(
      /"nme" not found[\s\S]*"name"/,
    );
  });

  test('a second statement in the text is refused, and the first does not run', async () => {
    await expect(engine.run('CREATE TABLE sneaky (x INT); SELECT 1')).rejects.toThrow(/multiple/);
    await expect(engine.rows('SELECT * FROM sneaky')).rejects.toThrow(/does not exist/);
  });

  test('describe gives names and types without running the query', async () => {
    using feed = engine.register(numbers(10));
    const feedColumns = await engine.describe(`SELECT *, n / 2 AS half, {'a': [1.5]} AS s FROM ${feed.sql}`);
    expect(feedColumns.map((c) => `${c.name} ${c.type}`)).toEqual([
      'n BIGINT',
      'double INTEGER',
      'half DOUBLE',
      's STRUCT("a" DECIMAL(2,1)[])',
    ]);
  });

  test('queries run at the same time', async () => {
    const feeds = [numbers(50_000), numbers(60_000), numbers(70_000)].map((feed) => engine.register(feed));
    const counts = await Promise.all(feeds.map((feed) => engine.rows(`SELECT max(n) AS m FROM ${feed.sql}`)));
    expect(counts.map(([row]) => row?.m)).toEqual([49_999n, 59_999n, 69_999n]);
  });
});

describe('feeds', () => {
  test('only the columns that the query needs are asked for', async () => {
    const feed = numbers(5000);
    using handle = engine.register(feed);
    expect(await engine.rows(`SELECT sum("double")::BIGINT AS s FROM ${handle.sql}`)).toEqual([
      { s: 24_995_000n },
    ]);
    expect(await engine.rows(`SELECT count(*) AS c FROM ${handle.sql}`)).toEqual([{ c: 5000n }]);
    expect(feed.log.projections).toEqual([[1], [0]]);
  });

  test('a feed beside a table stays row by row', async () => {
    using handle = engine.register(numbers(10_000));
    const rows = await engine.rows(
      `SELECT count(*) AS c FROM (FROM range(10000) t(i)) POSITIONAL JOIN ${handle.sql} f WHERE i IS DISTINCT FROM n`,
    );
    expect(rows).toEqual([{ c: 0n }]);
  });

  test('the error that a feed throws is the error of the query', async () => {
    const error = new TypeError('line 7 is torn');
    using handle = engine.register(numbers(10_000, { at: 5000, error }));
    await expect(engine.rows(`SELECT sum(n) FROM ${handle.sql}`)).rejects.toBe(error);
    expect(await engine.rows('SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  test('scans are closed when the query ends, well or badly', async () => {
    const [good, bad] = [numbers(3000), numbers(3000, { at: 10, error: new Error('no') })];
    using a = engine.register(good);
    using b = engine.register(bad);
    await engine.rows(`SELECT sum(n) FROM ${a.sql}`);
    await expect(engine.rows(`SELECT sum(n) FROM ${b.sql}`)).rejects.toThrow('no');
    await engine.rows(`SELECT * FROM ${a.sql} LIMIT 1`);
    expect([good.log.closed, bad.log.closed]).toEqual([2, 1]);
  });

  test('a disposed feed is gone', async () => {
    const handle = engine.register(numbers(1));
    handle[Symbol.dispose]();
    await expect(engine.rows(`SELECT * FROM ${handle.sql}`)).rejects.toThrow(/no such feed/);
  });
});

describe('streams', () => {
  async function numbersOf(
    sql: string,
    options: StreamOptions = {},
  ): Promise<{ n: bigint[]; sizes: number[] }> {
    const read = { n: [] as bigint[], sizes: [] as number[] };
    for await (const batch of engine.stream(sql, options)) {
      read.sizes.push(batch.numRows);
      read.n.push(...(batch.getChildAt(0)!.toArray() as BigInt64Array));
    }
    return read;
  }

  test('rows arrive in order, in batches of at least the size asked for', async () => {
    using handle = engine.register(numbers(100_000));
    const { n, sizes } = await numbersOf(`SELECT n FROM ${handle.sql}`, { rows: 10_000 });
    expect(n).toEqual(Array.from({ length: 100_000 }, (_, i) => BigInt(i)));
    expect(sizes.slice(0, -1).every((size) => size >= 10_000 && size < 10_000 + 2048)).toBe(true);
  });

  test('no rows are no batches, and the schema is known all the same', async () => {
    const sql = "SELECT 1 AS a, 'x'::UUID AS b WHERE false";
    expect((await numbersOf(sql)).sizes).toEqual([]);
    expect((await engine.schema(sql)).fields.map(String)).toEqual(['a: Int32', 'b: Utf8']);
  });

  test('DuckDB works ahead of a slow reader by a bounded amount only', async () => {
    const feed = numbers(1e9);
    using handle = engine.register(feed);
    const stream = engine.stream(`SELECT * FROM ${handle.sql}`);
    await stream.next();
    await engine.rows('SELECT 1');
    // 2048 rows of 12 bytes a pull, and a buffer of about 1 MB.
    expect(feed.log.pulls).toBeLessThan(100);
    await stream.return();
  });

  test('leaving the loop ends the query and closes its feeds', async () => {
    const feed = numbers(1e9);
    using handle = engine.register(feed);
    for await (const batch of engine.stream(`SELECT * FROM ${handle.sql}`)) {
      expect(batch.numRows).toBe(2048);
      break;
    }
    expect(feed.log.closed).toBe(1);
  });

  test('a slow stream does not hold up other queries', async () => {
    const stream = engine.stream('SELECT * FROM range(1000000000)');
    await stream.next();
    expect(await engine.rows('SELECT 42 AS answer')).toEqual([{ answer: 42 }]);
    expect((await stream.next()).value?.numRows).toBe(2048);
    await stream.return();
  });

  test('the error that a feed throws midway is the error of the stream', async () => {
    const error = new Error('line 400000 is torn');
    const feed = numbers(1e9, { at: 400_000, error });
    using handle = engine.register(feed);
    await expect(numbersOf(`SELECT n FROM ${handle.sql}`)).rejects.toBe(error);
    expect(feed.log.closed).toBe(1);
  });

  test('an error of DuckDB midway is the error of the stream, never a short result', async () => {
    const sql = `SELECT CASE WHEN range = 700000 THEN error('row 700000 is odd') ELSE range END FROM range(2000000)`;
    await expect(numbersOf(sql)).rejects.toThrow('row 700000 is odd');
  });

  describe('row by row', () => {
    test('a feed is read in pieces, each row once, in order, by one scan that is closed', async () => {
      const feed = numbers(100_000);
      using handle = engine.register(feed);
      const sql = `SELECT n FROM (SELECT * FROM ${handle.sql}) WHERE n % 10 = 3`;
      const { n } = await numbersOf(sql, { rowWise: true });
      expect(n).toEqual(Array.from({ length: 10_000 }, (_, i) => BigInt(10 * i + 3)));
      expect(feed.log).toEqual({ projections: [[0]], pulls: Math.ceil(100_000 / 2048) + 1, closed: 1 });
    });

    test('DuckDB reads a few pulls ahead, however little of a row it counts', async () => {
      const feed = numbers(1e9);
      using handle = engine.register(feed);
      const stream = engine.stream(`SELECT n FROM ${handle.sql}`, { rowWise: true });
      await stream.next();
      await engine.rows('SELECT 1');
      expect(feed.log.pulls).toBeLessThanOrEqual(6);
      await stream.return();
      expect(feed.log.closed).toBe(1);
    });

    test('without a feed it is one query', async () => {
      const { n } = await numbersOf('SELECT range FROM range(50000)', { rowWise: true });
      expect(n).toHaveLength(50_000);
    });

    test('the error that a feed throws in a later piece is the error of the stream', async () => {
      const error = new Error('line 400000 is torn');
      const feed = numbers(1e9, { at: 400_000, error });
      using handle = engine.register(feed);
      await expect(numbersOf(`SELECT n FROM ${handle.sql}`, { rowWise: true })).rejects.toBe(error);
      expect(feed.log.closed).toBe(1);
    });

    test('an error of DuckDB in a later piece is the error of the stream', async () => {
      const feed = numbers(400_000);
      using handle = engine.register(feed);
      const sql = `SELECT CASE WHEN n = 70000 THEN error('row 70000 is odd') ELSE n END FROM ${handle.sql}`;
      await expect(numbersOf(sql, { rowWise: true })).rejects.toThrow('row 70000 is odd');
      expect(feed.log.closed).toBe(feed.log.projections.length);
    });

    test('a signal between two pieces ends the stream and closes the scan', async () => {
      const feed = numbers(1e9);
      using handle = engine.register(feed);
      const [abort, reason] = [new AbortController(), new Error('enough')];
      const read = async () => {
        let rows = 0;
        const options = { signal: abort.signal, rowWise: true };
        for await (const batch of engine.stream(`SELECT n FROM ${handle.sql}`, options)) {
          rows += batch.numRows;
          if (rows === 12 * 2048) abort.abort(reason);
        }
      };
      await expect(read()).rejects.toBe(reason);
      expect(feed.log.closed).toBe(1);
    });
  });

  test.each([
    ['a feed', () => engine.register(numbers(1e9))],
    ['a table', () => ({ sql: 'range(1000000000000)' })],
    [
      'a query that finds nothing for long',
      () => ({ sql: 'range(1000000000000) t(n) WHERE n % 1000000000000 = 5' }),
    ],
  ])('a signal ends a stream over %s with its reason', async (_, relation) => {
    const reason = new Error('enough');
    const abort = new AbortController();
    const read = async () => {
      setTimeout(() => abort.abort(reason), 50);
      for await (const batch of engine.stream(`SELECT * FROM ${relation().sql}`, { signal: abort.signal })) {
        expect(batch.numRows).toBeGreaterThan(0);
      }
    };
    await expect(read()).rejects.toBe(reason);
  });

  test('a signal that is aborted already starts nothing', async () => {
    const feed = numbers(10);
    using handle = engine.register(feed);
    const stream = engine.stream(`SELECT * FROM ${handle.sql}`, {
      signal: AbortSignal.abort(new Error('no')),
    });
    await expect(stream.next()).rejects.toThrow('no');
    expect(feed.log.projections).toEqual([]);
  });
});

test('close ends what still runs, closes the feeds, and can be called twice', async () => {
  const doomed = await Engine.open();
  const feed = numbers(1e9);
  const handle = doomed.register(feed);
  const paused = doomed.stream(`SELECT * FROM ${handle.sql}`);
  await paused.next();
  const running = [
    doomed.rows(`SELECT sum(n) FROM ${handle.sql}`),
    doomed.rows('SELECT sum(a.range * b.range) FROM range(1000000) a, range(1000000) b'),
  ];
  const outcomes = Promise.allSettled(running);
  await doomed.close();
  await doomed.close();
  expect((await outcomes).map((outcome) => outcome.status)).toEqual(['rejected', 'rejected']);
  await expect(paused.next()).rejects.toThrow('closed');
  await expect(doomed.rows('SELECT 1')).rejects.toThrow('closed');
  expect(feed.log.closed).toBe(feed.log.projections.length);
});

test('names and texts are quoted so that SQL reads them back', async () => {
  const odd = `it's "odd" \\ ; --`;
  const rows = await engine.rows(`SELECT ${quoteLiteral(odd)} AS ${quoteIdentifier(odd)}`);
  expect(rows).toEqual([{ [odd]: odd }]);
});
