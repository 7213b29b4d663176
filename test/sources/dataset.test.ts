import { mkdirSync, rmSync, symlinkSync, truncateSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Engine } from '../../src/duckdb/engine.ts';
import { openFolder, type TemporaryFolder } from '../temporary.ts';
import { read, rowsOf, withDataset } from './kit.ts';

/** What zstd makes of 0 bytes: a frame of one empty block. */
const zstdOfNothing = Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0x20, 0x00, 0x01, 0x00, 0x00);

let engine: Engine;
let folder: TemporaryFolder;
beforeAll(async () => {
  engine = await Engine.open();
});
afterAll(() => engine.close());
beforeEach(() => {
  folder = openFolder();
});
afterEach(() => folder[Symbol.dispose]());

async function parquet(name: string, select: string): Promise<string> {
  const path = folder.write(name, '');
  await engine.run(
    `COPY (${select}) TO '${path.replaceAll("'", "''")}' (FORMAT parquet, USE_TMP_FILE false)`,
  );
  return path;
}

async function arrowFile(name: string, rows: number): Promise<string> {
  const { tableFromArrays, tableToIPC } = await import('apache-arrow');
  const table = tableFromArrays({ id: Int32Array.from({ length: rows }, (_, i) => i) });
  return folder.write(name, tableToIPC(table, 'file'));
}

describe('Hive folders', () => {
  test('are columns: numbers and dates where every value is one, else text; null has a name of its own', async () => {
    const dates = ['2026-11-01', '2026-11-02'];
    for (const [i, dt] of dates.entries()) {
      folder.write(`d/dt=${dt}/n=${i}/lang=%C3%A9n%2F${i}/x=${i || 'y'}/a.csv`, `id,text\n${i},word\n`);
    }
    folder.write('d/dt=2026-11-03/n=__HIVE_DEFAULT_PARTITION__/lang=de/x=1/a.csv', 'id,text\n2,word\n');
    const { columns, rows } = await read(engine, join(folder.path, 'd'));
    expect(columns).toEqual([
      'id BIGINT',
      'text VARCHAR',
      'dt DATE',
      'n BIGINT',
      'lang VARCHAR',
      'x VARCHAR',
    ]);
    expect(rows.map(({ id, dt, n, lang, x }) => [id, dt, n, lang, x])).toEqual([
      [0n, new Date('2026-11-01'), 0n, 'én/0', 'y'],
      [1n, new Date('2026-11-02'), 1n, 'én/1', '1'],
      [2n, new Date('2026-11-03'), null, 'de', '1'],
    ]);
  });

  test('may have a zero byte in a value, as any text may', async () => {
    folder.write('d/k=%00/a.csv', 'id\n1\n');
    folder.write("d/k=a%00'b/a.csv", 'id\n2\n');
    const { rows } = await read(engine, join(folder.path, 'd'));
    expect(rows).toEqual([
      { id: 1n, k: '\0' },
      { id: 2n, k: "a\0'b" },
    ]);
  });

  test.each(['a%00b=1', '__row=1', '__Error=1'])(
    'whose name no column can have are refused: %s',
    async (name) => {
      folder.write(`d/${name}/a.csv`, 'id\n1\n');
      await expect(read(engine, join(folder.path, 'd'))).rejects.toMatchObject({
        code: 'SOURCE_COLUMN_NAME',
        exit: 3,
        message: expect.stringContaining(`d/${name}/a.csv`),
      });
    },
  );

  test('count before a column of the same name in the file', async () => {
    await parquet('d/lang=de/a.parquet', "SELECT 'in the file' AS Lang, 1 AS id");
    const { columns, rows } = await read(engine, join(folder.path, 'd'));
    expect(columns).toEqual(['id INTEGER', 'lang VARCHAR']);
    expect(rows).toEqual([{ id: 1, lang: 'de' }]);
  });
});

describe('several files', () => {
  test('are one table: columns by name, types as wide as needed, missing ones null', async () => {
    await parquet('d/a.parquet', "SELECT 1::TINYINT AS n, 'x' AS only_a, {a: 1} AS s");
    await parquet('d/b.parquet', "SELECT {b: 'y', a: 2.5::DOUBLE} AS S, 5000000000 AS n");
    const { columns, rows } = await read(engine, join(folder.path, 'd'));
    expect(columns).toEqual(['n BIGINT', 'only_a VARCHAR', 's STRUCT("a" DOUBLE, "b" VARCHAR)']);
    expect(rows).toMatchObject([
      { n: 1n, only_a: 'x', s: { b: null } },
      { n: 5000000000n, only_a: null, s: { b: 'y' } },
    ]);
  });

  test('of several formats are refused, with an example of each', async () => {
    folder.write('d/a.csv', 'id\n1\n');
    folder.write('d/b.jsonl', '{"id":1}\n');
    await expect(read(engine, join(folder.path, 'd'))).rejects.toMatchObject({
      code: 'SOURCE_MIXED_FORMATS',
      message: expect.stringMatching(/1 csv .*a\.csv.*1 jsonl .*b\.jsonl/),
    });
  });

  test('that are no data, and parts without a byte, are passed over', async () => {
    folder.write('d/README.md', '# hello');
    folder.write('d/_SUCCESS', '');
    folder.write('d/.a.csv.crc', 'crc');
    folder.write('d/_temporary/0/x.csv', 'id\n9\n');
    folder.write('d/part-0.csv', '');
    folder.write('d/part-1.csv', 'id\n1\n');
    expect((await read(engine, join(folder.path, 'd'))).rows).toEqual([{ id: 1n }]);
  });

  test.each([
    ['0 bytes', 'a.jsonl', ''],
    ['blank lines', 'a.jsonl', '\n \n'],
    ['nothing in gzip', 'a.jsonl.gz', gzipSync('')],
    ['nothing in zstd', 'a.jsonl.zst', zstdOfNothing],
  ])(
    'without rows, %s: a part that sluice or another writer has filtered, has none',
    async (_, name, bytes) => {
      folder.write(`d/${name}`, bytes);
      folder.write('d/b.jsonl', '{"id":1}\n');
      expect(await read(engine, join(folder.path, 'd'))).toEqual({
        columns: ['id BIGINT'],
        rows: [{ id: 1n }],
      });
      await withDataset(engine, join(folder.path, 'd'), async (dataset) => {
        expect(await dataset.facts(dataset.files[0]!, 10)).toMatchObject({ rows: 0 });
      });
      await expect(read(engine, join(folder.path, 'd', name))).rejects.toMatchObject({
        code: 'SOURCE_CORRUPT',
        message: expect.stringMatching(/a\.jsonl.* \((it is empty|there is no line in it)/),
      });
    },
  );

  test('types that do not go together are refused with both files', async () => {
    await parquet('d/a.parquet', 'SELECT [1] AS x');
    await parquet('d/b.parquet', 'SELECT 1 AS x');
    await expect(read(engine, join(folder.path, 'd'))).rejects.toMatchObject({
      code: 'SOURCE_SCHEMA_MIX',
      message: expect.stringMatching(/a\.parquet.*b\.parquet/),
    });
  });
});

describe('paths', () => {
  const odd = [
    'with space.csv',
    'data (1)+!@.csv',
    "it's.csv",
    'say "hi".csv',
    'semi;colon.csv',
    'a[1].csv',
    'star*.csv',
    'what?.csv',
    '{a,b}.csv',
    'back\\slash.csv',
    'percent%20.csv',
    'hash#1.csv',
    'grüße 日本 😀.csv',
    'line\nend.csv',
    '$HOME ~.csv',
    '-rf.csv',
  ];
  test.each(odd)('%j is read when it is named, and in a folder', async (name) => {
    const path = folder.write(`d/${name}`, 'id\n1\n');
    expect((await read(engine, path)).rows).toEqual([{ id: 1n }]);
    expect((await read(engine, join(folder.path, 'd'))).rows).toEqual([{ id: 1n }]);
    expect((await read(engine, join(folder.path, '*', '*.csv'))).rows).toEqual([{ id: 1n }]);
  });

  test.each(odd)('%j is read by DuckDB itself too', async (name) => {
    const path = await parquet(`d/${name.replace('.csv', '.parquet')}`, 'SELECT 1 AS id');
    // DuckDB would read a glob as one: here are others that it would match.
    await parquet('d/a1.parquet', 'SELECT 2 AS id');
    await parquet('d/star-x.parquet', 'SELECT 3 AS id');
    await parquet('d/whatx.parquet', 'SELECT 4 AS id');
    expect((await read(engine, path)).rows).toEqual([{ id: 1 }]);
  });

  test('of a name with both a backslash and a bracket DuckDB can make nothing: refused, with the path', async () => {
    const path = await parquet('d/back\\[1].parquet', 'SELECT 1 AS id');
    await expect(read(engine, path)).rejects.toMatchObject({
      code: 'SOURCE_CORRUPT',
      message: expect.stringContaining(path),
    });
  });

  test('a link is read as what it leads to, once; one that leads to itself ends', async () => {
    const path = folder.write('d/a.csv', 'id\n1\n');
    symlinkSync(path, join(folder.path, 'link.csv'));
    symlinkSync(join(folder.path, 'd'), join(folder.path, 'd/loop'));
    symlinkSync(join(folder.path, 'nowhere'), join(folder.path, 'd/dead.csv'));
    expect((await read(engine, join(folder.path, 'link.csv'))).rows).toEqual([{ id: 1n }]);
    expect((await read(engine, join(folder.path, 'd'))).rows).toEqual([{ id: 1n }]);
    expect((await read(engine, join(folder.path, '**/*.csv'))).rows.length).toBeGreaterThan(0);
  });

  test.each<[string, string[], string]>([
    ['nothing of that name', ['nope.csv'], 'SOURCE_NOT_FOUND'],
    ['a glob without a match', ['*.jsonl'], 'SOURCE_NOT_FOUND'],
    ['an empty folder', ['empty'], 'SOURCE_NOT_FOUND'],
    ['a folder without data files', ['docs'], 'SOURCE_FORMAT'],
    ['a file of no known name', ['docs/README.md'], 'SOURCE_FORMAT'],
    ['an empty path', [''], 'SOURCE_NOT_FOUND'],
    ['a path with a zero byte', ['a\0b.csv'], 'SOURCE_NOT_READABLE'],
    ['a device', ['/dev/null'], 'SOURCE_FORMAT'],
    ['a URL', ['https://example.com/a.csv'], 'SOURCE_URL'],
  ])('%s is refused with the next step', async (_, paths, code) => {
    folder.write('docs/README.md', '# hello');
    mkdirSync(join(folder.path, 'empty'));
    const full = paths.map((path) => (/^(\/|$|https)/.test(path) ? path : join(folder.path, path)));
    await expect(withDataset(engine, { paths: full }, () => undefined)).rejects.toMatchObject({
      code,
      next: expect.stringMatching(/./),
    });
  });
});

describe('a file that is not what it was', () => {
  const makers: [string, () => Promise<string>][] = [
    ['csv', async () => folder.write('a.csv', `id\n${'1\n'.repeat(5000)}`)],
    ['jsonl', async () => folder.write('a.jsonl', '{"id":1}\n'.repeat(5000))],
    ['arrow', () => arrowFile('a.arrow', 5000)],
    ['parquet', () => parquet('a.parquet', 'SELECT range AS id FROM range(5000)')],
  ];

  test.each(makers)('%s: one that vanishes is said with its path', async (_, make) => {
    const path = await make();
    await withDataset(engine, path, async (dataset) => {
      rmSync(path);
      const batches = dataset.read({ file: dataset.files[0]!, start: 0, rows: 10 }, { columns: ['id'] });
      await expect(batches.next()).rejects.toMatchObject({
        code: expect.stringMatching(/^SOURCE_/),
        exit: 3,
        message: expect.stringContaining(path),
      });
      expect(await dataset.isUnchanged(dataset.files[0]!, { start: 0, rows: 10 })).toBe(false);
    });
  });

  test.each(makers)(
    '%s: one that is cut off is said with its path, and gives no other rows',
    async (_, make) => {
      const path = await make();
      await withDataset(engine, path, async (dataset) => {
        const file = dataset.files[0]!;
        truncateSync(path, Math.floor(file.size / 2));
        const drain = async () => {
          for await (const _batch of dataset.read({ file, start: 0, rows: 5000 }, { columns: ['id'] }));
        };
        await expect(drain()).rejects.toMatchObject({
          code: expect.stringMatching(/^SOURCE_/),
          exit: 3,
          message: expect.stringContaining(path),
        });
      });
    },
  );

  test('a file that was only touched is told from one that was not', async () => {
    const path = folder.write('a.csv', 'id\n1\n');
    await withDataset(engine, path, async (dataset) => {
      expect(await dataset.isUnchanged(dataset.files[0]!, { start: 0, rows: 10 })).toBe(true);
      utimesSync(path, 1, 1);
      expect(await dataset.isUnchanged(dataset.files[0]!, { start: 0, rows: 10 })).toBe(false);
    });
  });

  test.each<[string, string, string | Buffer, RegExp]>([
    ['a CSV file named .parquet', 'a.parquet', 'id,text\n1,a\n', /looks like text/],
    ['a Parquet file that was cut off', 'a.parquet', Buffer.from('PAR1\x15\x04\x15'), /its end is missing/],
    ['a Parquet file of nothing but its signature', 'a.parquet', 'PAR1PAR1', /./],
    ['an empty file', 'a.parquet', '', /empty, 0 bytes/],
    ['an Arrow file named .parquet', 'a.parquet', 'ARROW1\0\0\0\0\0\0ARROW1', /looks like an Arrow file/],
    ['a Parquet file named .arrow', 'a.arrow', 'PAR1\0\0\0\0PAR1', /looks like a Parquet file/],
    ['an Arrow file that was cut off', 'a.arrow', 'ARROW1\0\0\xff\xff', /its end is missing/],
    ['gzip named .parquet', 'a.parquet', gzipSync('PAR1'), /looks like a gzip-compressed file/],
  ])('%s is refused with its path', async (_, name, content, message) => {
    const path = folder.write(name, content);
    await expect(read(engine, path)).rejects.toMatchObject({
      code: 'SOURCE_CORRUPT',
      exit: 3,
      message: expect.stringMatching(message),
      next: expect.stringMatching(/./),
    });
    await expect(read(engine, path)).rejects.toThrow(path);
  });
});

test('a column that is not there is refused with the nearest name', async () => {
  const path = folder.write('a.csv', 'id,text\n1,a\n');
  await withDataset(engine, path, async (dataset) => {
    await expect(rowsOf(engine, dataset, { columns: ['txet'] })).rejects.toMatchObject({
      code: 'SOURCE_UNKNOWN_COLUMN',
      next: 'Did you mean text?',
    });
  });
});

test('reading ends early when it is told to', async () => {
  const path = folder.write('a.jsonl', '{"id":1}\n'.repeat(100_000));
  await withDataset(engine, path, async (dataset) => {
    const controller = new AbortController();
    const file = dataset.files[0]!;
    const read = dataset.read(
      { file, start: 0, rows: 100_000 },
      { columns: ['id'], signal: controller.signal },
    );
    await read.next();
    controller.abort(new Error('stop'));
    const drain = async () => {
      for await (const _batch of read);
    };
    await expect(drain()).rejects.toThrow('stop');
  });
});
