import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, symlink, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as arrow from 'apache-arrow';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Engine } from '../../src/duckdb/engine.ts';
import type { Feed } from '../../src/duckdb/feed.ts';
import { writers } from '../../src/writers/index.ts';
import type { Compression, PartRequest } from '../../src/writers/writer.ts';
import { numbers } from '../duckdb/numbers.ts';
import { field, list, resultsOf, struct, vector } from './part.ts';
import { foreignReaders, type Row } from './readers.ts';

let engine: Engine;
let folder: string;
beforeAll(async () => {
  engine = await Engine.open();
  folder = await mkdtemp(join(tmpdir(), 'sluice-writers-'));
});
afterAll(async () => {
  await engine.close();
  await rm(folder, { recursive: true });
});

const formats = ['parquet', 'arrow', 'jsonl'] as const;
const readersOf = {
  parquet: ['hyparquet', 'arrow-rs'],
  arrow: ['arrow-js'],
  jsonl: ['JSON.parse'],
} as const;

const resultFields = [
  field('label', new arrow.Utf8()),
  field('score', new arrow.Float64()),
  field('token', new arrow.Int64()),
  field(
    'detections',
    list(
      struct({
        label: new arrow.Utf8(),
        score: new arrow.Float64(),
        box: struct({ xmin: new arrow.Int32(), xmax: new arrow.Int32() }),
      }),
    ),
  ),
  field('embedding', vector(4)),
  field('tokens', list(vector(2))),
  field('mask', new arrow.Binary()),
  field('masks', list(struct({ png: new arrow.Binary() }))),
  field('error', new arrow.Utf8()),
];

function resultOf(i: number): Row {
  if (i % 7 === 3) {
    const nothing = Object.fromEntries(resultFields.map(({ name }) => [name, null]));
    return { ...nothing, error: `503 "busy" at row ${i}\n` };
  }
  const box = i % 2 ? { xmin: i, xmax: null } : null;
  return {
    label: i % 5 ? `label ${i} grüße` : '',
    score: i / 3,
    token: 2n ** 60n + BigInt(i),
    detections:
      i % 4 === 0 ? [] : Array.from({ length: i % 4 }, (_, k) => ({ label: `d${k}`, score: k / 8, box })),
    embedding: i % 3 ? [i + 0.5, -i, 0.25, 1e-3 * 2 ** -10 * i].map(Math.fround) : null,
    tokens:
      i % 6
        ? [
            [i, 0.5],
            [1.5, 2.5],
          ]
        : [],
    mask: i % 2 ? Uint8Array.of(0, 255, i % 256) : null,
    masks: i % 8 ? [{ png: Uint8Array.of(137, i % 256) }, { png: null }] : null,
    error: null,
  };
}

const results = (count: number) => Array.from({ length: count }, (_, i) => resultOf(i));

function part(name: string, count: number, more: Partial<PartRequest> = {}): PartRequest {
  return {
    results: resultsOf(resultFields, results(count)),
    columns: resultFields.map(({ name }) => name),
    path: join(folder, name),
    compression: 'none',
    ...more,
  };
}

/** A row as it should be read back from the format. */
function expected(format: (typeof formats)[number], row: Row): Row {
  if (format !== 'jsonl') return row;
  return JSON.parse(
    JSON.stringify(row, (_, value: unknown) => {
      if (typeof value === 'bigint') return Number(value);
      return value instanceof Uint8Array ? Buffer.from(value).toString('base64') : value;
    }),
  ) as Row;
}

/** JSON has the shortest number that is the same float: 0.1, which as a double is another one. */
function asFloat32(row: Row): Row {
  const numbers = (list: unknown) => (list as number[] | null)?.map(Math.fround) ?? null;
  const tokens = (row.tokens as unknown[] | null)?.map(numbers) ?? null;
  return { ...row, embedding: numbers(row.embedding), tokens };
}

/** hyparquet leaves text as bytes, so that binary stays binary. */
function textOf(value: unknown, like: unknown): unknown {
  if (typeof like === 'string' && value instanceof Uint8Array) return Buffer.from(value).toString('utf8');
  if (Array.isArray(value) && Array.isArray(like)) return value.map((item, i) => textOf(item, like[i]));
  if (
    value &&
    like &&
    typeof value === 'object' &&
    typeof like === 'object' &&
    !(value instanceof Uint8Array)
  ) {
    return Object.fromEntries(
      Object.entries(value).map(([name, item]) => [name, textOf(item, (like as Row)[name])]),
    );
  }
  return value;
}

describe.each(formats)('%s', (format) => {
  const writer = writers[format];
  const extension = writer.extension('none');

  test.each(readersOf[format])('%s reads every value back', async (reader) => {
    const request = part(`values.${extension}`, 3000);
    const written = await writer.write(engine, request);
    expect(written.rows).toBe(3000);
    expect(written.bytes).toBe((await readFile(request.path)).length);
    const rows = await foreignReaders[reader](request.path);
    const wanted = results(3000).map((row) => expected(format, row));
    expect(rows.map((row, i) => asFloat32(textOf(row, wanted[i]) as Row))).toEqual(wanted);
    expect(await writer.verify(engine, request.path, 'none')).toBe(3000);
  });

  test('kept columns come first, under their new names, beside their own answers', async () => {
    const source = join(folder, `source-${format}.parquet`);
    await engine.run(
      `COPY (SELECT i AS id, 'text ' || i AS text, [i, NULL] AS list FROM range(20000) t(i)) TO '${source}' (ROW_GROUP_SIZE 4096)`,
    );
    const request = part(`kept.${extension}`, 0, {
      kept: {
        sql: `SELECT file_row_number AS __row, * FROM read_parquet('${source}', file_row_number = true)
              WHERE file_row_number BETWEEN 3000 AND 14999`,
        columns: [
          { name: 'text', as: 'odd "name"' },
          { name: 'id', as: 'id' },
          { name: 'list', as: 'list' },
        ],
      },
      results: resultsOf(
        [field('answer', new arrow.Utf8())],
        Array.from({ length: 12_000 }, (_, i) => ({ answer: `answer ${i + 3000}` })),
        { first: 3000 },
      ),
      columns: ['odd "name"', 'id', 'list', 'answer'],
    });
    expect((await writer.write(engine, request)).rows).toBe(12_000);
    const rows = await foreignReaders[readersOf[format].at(-1)!](request.path);
    const wanted = Array.from({ length: 12_000 }, (_, k) => {
      const i = k + 3000;
      return { 'odd "name"': `text ${i}`, id: BigInt(i), list: [BigInt(i), null], answer: `answer ${i}` };
    });
    expect(rows).toEqual(wanted.map((row) => expected(format, row)));
    expect(rows.map((row) => Object.keys(row))[0]).toEqual(request.columns);
  });

  test('rows marked to be dropped are left out', async () => {
    const request = part(`drop.${extension}`, 0, {
      kept: { sql: 'SELECT i AS __row, i AS id FROM range(5000) t(i)', columns: [{ name: 'id', as: 'id' }] },
      results: resultsOf(
        [field('__drop', new arrow.Bool()), field('n', new arrow.Int32())],
        Array.from({ length: 5000 }, (_, i) => ({ __drop: i % 3 === 0, n: i })),
      ),
      columns: ['id', 'n'],
      drop: true,
    });
    const rows = Array.from({ length: 5000 }, (_, i) => i).filter((i) => i % 3 !== 0);
    expect((await writer.write(engine, request)).rows).toBe(rows.length);
    expect(await foreignReaders[readersOf[format].at(-1)!](request.path)).toEqual(
      rows.map((i) => expected(format, { id: BigInt(i), n: i })),
    );
  });

  test('a part without rows has its columns and no rows', async () => {
    const request = part(`empty.${extension}`, 0);
    expect((await writer.write(engine, request)).rows).toBe(0);
    expect(await writer.verify(engine, request.path, 'none')).toBe(0);
    for (const reader of readersOf[format]) expect(await foreignReaders[reader](request.path)).toEqual([]);
  });

  test.each<[string, number, number]>([
    ['shifted by one', 1, 100],
    ['one row short', 0, 99],
    ['one row long', 0, 101],
  ])('results that are %s fail the write: no answer gets to another row', async (_, first, count) => {
    const request = part(`shifted.${extension}`, 0, {
      kept: { sql: 'SELECT i AS __row, i AS id FROM range(100) t(i)', columns: [{ name: 'id', as: 'id' }] },
      results: resultsOf([field('n', new arrow.Int32())], Array(count).fill({ n: 1 }), { first }),
      columns: ['id', 'n'],
    });
    await expect(writer.write(engine, request)).rejects.toThrow(/part rows do not match/);
    expect(existsSync(request.path)).toBe(false);
  });

  test('a feed that fails midway leaves no file and rejects with its error', async () => {
    const error = new Error('journal frame 12 is torn');
    const feed = numbers(1e9, { at: 500_000, error });
    const [n, double] = feed.columns;
    const request = part(`failing.${extension}`, 0, {
      results: {
        columns: [{ ...n!, name: '__row' }, double!],
        open: (projected) => feed.open(projected),
      } satisfies Feed,
      columns: ['double'],
    });
    await expect(writer.write(engine, request)).rejects.toBe(error);
    expect(existsSync(request.path)).toBe(false);
    expect(feed.log.closed).toBe(1);
  });

  test('a path that cannot be written is said with the reason', async () => {
    const nowhere = part('x', 10, { path: join(folder, 'no', 'such', `x.${extension}`) });
    await expect(writer.write(engine, nowhere)).rejects.toMatchObject({
      code: 'OUTPUT_NOT_WRITABLE',
      exit: 3,
      message: expect.stringMatching(/x\.\w+: .*no such file or directory/i) as string,
    });
  });

  test.skipIf(!existsSync('/dev/full'))(
    'a full disk is said with the reason, and leaves no file',
    async () => {
      const path = join(folder, `full.${extension}`);
      await symlink('/dev/full', path);
      await expect(writer.write(engine, part('x', 3000, { path }))).rejects.toMatchObject({
        code: 'OUTPUT_NOT_WRITABLE',
        message: expect.stringMatching(/no space left on device/i) as string,
      });
      expect(existsSync(path)).toBe(false);
    },
  );

  test('a file that was cut off does not verify', async () => {
    const request = part(`cut.${extension}`, 2000);
    await writer.write(engine, request);
    await truncate(request.path, (await readFile(request.path)).length - 20);
    await expect(writer.verify(engine, request.path, 'none')).rejects.toThrow();
  });

  test('the same rows twice are the same bytes, with several threads', async () => {
    const hashes: string[] = [];
    for (const run of [1, 2, 3]) {
      const feed = numbers(300_000);
      const [n, double] = feed.columns;
      const request = part(`same-${run}.${extension}`, 0, {
        kept: {
          sql: `SELECT i AS __row, 'text ' || i AS text, (['x', 'y', 'z'])[1 + i % 3]::ENUM('x', 'y', 'z') AS kind FROM range(300000) t(i)`,
          columns: [
            { name: 'text', as: 'text' },
            { name: 'kind', as: 'kind' },
          ],
        },
        results: {
          columns: [{ ...n!, name: '__row' }, double!],
          open: (projected) => feed.open(projected),
        } satisfies Feed,
        columns: ['text', 'kind', 'double'],
        compression: format === 'jsonl' ? 'gzip' : 'zstd',
      });
      await writer.write(engine, request);
      hashes.push(
        createHash('sha256')
          .update(await readFile(request.path))
          .digest('hex'),
      );
    }
    expect(new Set(hashes).size).toBe(1);
  });
});

describe('compression', () => {
  test.each<[(typeof formats)[number], Compression, string]>([
    ['parquet', 'zstd', 'parquet'],
    ['parquet', 'snappy', 'parquet'],
    ['parquet', 'gzip', 'parquet'],
    ['parquet', 'none', 'parquet'],
    ['jsonl', 'gzip', 'jsonl.gz'],
    ['jsonl', 'zstd', 'jsonl.zst'],
    ['jsonl', 'none', 'jsonl'],
    ['arrow', 'zstd', 'arrow'],
  ])('%s with %s', async (format, compression, extension) => {
    const writer = writers[format];
    expect(writer.extension(compression)).toBe(extension);
    const request = part(`c-${compression}.${extension}`, 2000, { compression });
    await writer.write(engine, request);
    expect(await writer.verify(engine, request.path, compression)).toBe(2000);
    if (format === 'parquet') {
      const [row] = await engine.rows(`SELECT DISTINCT compression FROM parquet_metadata('${request.path}')`);
      expect(row?.compression).toBe(compression === 'none' ? 'UNCOMPRESSED' : compression.toUpperCase());
      const wanted = results(2000);
      const rows = await foreignReaders.hyparquet(request.path);
      expect(rows.map((read, i) => textOf(read, wanted[i]))).toEqual(wanted);
    }
  });
});

describe('parquet', () => {
  test('vectors are lists, and integers of 128 bits are text', async () => {
    const request = part('types.parquet', 0, {
      kept: {
        sql: `SELECT i AS __row, (2::HUGEINT ** 100 + 1)::HUGEINT AS big, {'u': [i::UHUGEINT]} AS nested FROM range(1) t(i)`,
        columns: [
          { name: 'big', as: 'big' },
          { name: 'nested', as: 'nested' },
        ],
      },
      results: resultsOf([field('embedding', vector(3))], [{ embedding: Float32Array.of(1, 2, 3) }]),
      columns: ['big', 'nested', 'embedding'],
    });
    await writers.parquet.write(engine, request);
    const columns = await engine.describe(`FROM '${request.path}'`);
    expect(columns.map((column) => String(column.type))).toEqual([
      'VARCHAR',
      'STRUCT("u" VARCHAR[])',
      'FLOAT[]',
    ]);
  });
});

describe('arrow', () => {
  test('vectors are fixed size lists, and enums are dictionaries', async () => {
    const request = part('types.arrow', 0, {
      kept: {
        sql: `SELECT i AS __row, 'b'::ENUM('a', 'b') AS kind, [{'k': 'a'::ENUM('a')}] AS deep FROM range(20000) t(i)`,
        columns: [
          { name: 'kind', as: 'kind' },
          { name: 'deep', as: 'deep' },
        ],
      },
      results: resultsOf(
        [field('embedding', vector(3))],
        Array(20_000).fill({ embedding: Float32Array.of(1, 2, 3) }),
      ),
      columns: ['kind', 'deep', 'embedding'],
    });
    await writers.arrow.write(engine, request);
    const table = arrow.tableFromIPC(await readFile(request.path));
    expect(table.schema.fields.map((f) => String(f.type))).toEqual([
      'Dictionary<Uint8, Utf8>',
      'List<Struct<{k:Dictionary<Uint8, Utf8>}>>',
      'FixedSizeList[3]<Float32>',
    ]);
    expect(table.batches.length).toBeGreaterThan(1);
    expect(table.getChild('kind')?.get(19_999)).toBe('b');
  });
});

test('nothing but parts is left in the folder', async () => {
  expect((await readdir(folder)).filter((name) => /tmp/i.test(name))).toEqual([]);
});
