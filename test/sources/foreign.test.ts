import { createRequire } from 'node:module';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as arrow from 'apache-arrow';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { Compression, Table, WriterPropertiesBuilder, WriterVersion, writeParquet } from 'parquet-wasm';
import { describe, expect, test } from 'vitest';
import { openedHere, read, type Row } from './kit.ts';

/** The part of parquetjs-lite that is used here; it has no types of its own. */
interface ParquetJs {
  ParquetSchema: new (fields: Record<string, unknown>) => object;
  ParquetWriter: {
    openFile(
      schema: object,
      path: string,
      options?: object,
    ): Promise<{
      appendRow(row: Row): Promise<void>;
      setRowGroupSize(rows: number): void;
      close(): Promise<void>;
    }>;
  };
}
const parquetjs = createRequire(import.meta.url)('parquetjs-lite') as ParquetJs;

const { engine, folder } = await openedHere();

/** Values without DuckDB's own classes: dates as ISO text, decimals and times as they print, bytes as an array. */
function plain(value: unknown): unknown {
  if (value === null || value === undefined) return null;
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Uint8Array) return [...value];
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object') return value;
  const entries = Object.entries(value);
  return Object.fromEntries(entries.map(([name, item]) => [name, plain(item)]));
}

const FEW = 10;
const MANY = 5000;

describe('parquetjs-lite', () => {
  const rowOf = (i: number): Row => ({
    id: i,
    big: i % 3 === 1 ? null : 2 ** 53 - 1 - i,
    flag: i % 2 === 0,
    score: i % 5 === 2 ? null : i / 3,
    text: i % 4 === 3 ? null : `grüße 👋 ${i % 7}`,
    bytes: i % 4 === 1 ? null : [0, 255, i % 256],
    at: new Date(1_764_000_000_000 + i).toISOString(),
    tags: Array.from({ length: i % 3 }, (_, k) => `t${k}`),
    box: { x: i, label: i % 2 ? `b${i}` : null },
    parts: Array.from({ length: i % 2 }, (_, k) => ({ n: k, s: `s${k}` })),
  });

  test.each(['UNCOMPRESSED', 'GZIP', 'SNAPPY'])('%s', async (compression) => {
    const optional = { optional: true, compression };
    const schema = new parquetjs.ParquetSchema({
      id: { type: 'INT64', compression },
      big: { type: 'INT64', ...optional },
      flag: { type: 'BOOLEAN', compression },
      score: { type: 'DOUBLE', ...optional },
      text: { type: 'UTF8', ...optional },
      bytes: { type: 'BYTE_ARRAY', ...optional },
      at: { type: 'TIMESTAMP_MILLIS', compression },
      tags: { type: 'UTF8', repeated: true, compression },
      box: { fields: { x: { type: 'INT32', compression }, label: { type: 'UTF8', ...optional } } },
      parts: {
        repeated: true,
        fields: { n: { type: 'INT32', compression }, s: { type: 'UTF8', compression } },
      },
    });
    const path = join(folder.path, `js-${compression}.parquet`);
    const writer = await parquetjs.ParquetWriter.openFile(schema, path);
    writer.setRowGroupSize(999);
    const rows = Array.from({ length: MANY }, (_, i) => rowOf(i));
    for (const { bytes, at, ...row } of rows) {
      const defined = Object.entries(row).filter(([, value]) => value !== null);
      await writer.appendRow({
        ...Object.fromEntries(defined),
        ...(bytes ? { bytes: Buffer.from(bytes as number[]) } : {}),
        at: new Date(at as string),
        box: row.box && (row.box as Row).label === null ? { x: (row.box as Row).x } : row.box,
      });
    }
    await writer.close();
    const found = await read(engine, path);
    expect(found.columns).toMatchObject([
      'id BIGINT',
      'big BIGINT',
      'flag BOOLEAN',
      'score DOUBLE',
      'text VARCHAR',
      'bytes BLOB',
      expect.stringMatching(/^at TIMESTAMP/),
      'tags VARCHAR[]',
      'box STRUCT("x" INTEGER, "label" VARCHAR)',
      'parts STRUCT("n" INTEGER, "s" VARCHAR)[]',
    ]);
    const wanted = rows.map((row) => ({
      ...row,
      id: BigInt(row.id as number),
      big: row.big === null ? null : BigInt(row.big as number),
    }));
    expect(found.rows.map(plain)).toEqual(wanted);
  });
});

describe('hyparquet-writer', () => {
  const at = (i: number) => new Date(1_764_000_000_000 + i);
  const bytes = (i: number) => Uint8Array.of(0, 255, i % 256);
  const columns: {
    name: string;
    type?:
      | 'INT32'
      | 'INT64'
      | 'DOUBLE'
      | 'FLOAT'
      | 'BOOLEAN'
      | 'STRING'
      | 'BYTE_ARRAY'
      | 'TIMESTAMP'
      | 'UUID'
      | 'FLOAT16'
      | 'JSON';
    value: (i: number) => unknown;
    expected?: (i: number) => unknown;
    sql: string;
  }[] = [
    { name: 'i32', type: 'INT32', value: (i) => i - 5, sql: 'INTEGER' },
    { name: 'i64', type: 'INT64', value: (i) => 2n ** 63n - 1n - BigInt(i), sql: 'BIGINT' },
    { name: 'f64', type: 'DOUBLE', value: (i) => i / 3, sql: 'DOUBLE' },
    { name: 'f32', type: 'FLOAT', value: (i) => Math.fround(i / 3), sql: 'FLOAT' },
    { name: 'f16', type: 'FLOAT16', value: (i) => (i % 8) / 4, sql: 'FLOAT' },
    { name: 'flag', type: 'BOOLEAN', value: (i) => i % 2 === 0, sql: 'BOOLEAN' },
    { name: 'few', type: 'STRING', value: (i) => `word ${i % 7}`, sql: 'VARCHAR' },
    { name: 'text', type: 'STRING', value: (i) => `grüße 👋 ${i}`, sql: 'VARCHAR' },
    { name: 'bytes', type: 'BYTE_ARRAY', value: bytes, expected: (i) => [...bytes(i)], sql: 'BLOB' },
    { name: 'at', type: 'TIMESTAMP', value: at, expected: (i) => at(i).toISOString(), sql: 'TIMESTAMP' },
    {
      name: 'json',
      type: 'JSON',
      value: (i) => ({ a: [i, null] }),
      expected: (i) => `{"a":[${i},null]}`,
      sql: 'JSON',
    },
  ];

  test.each([FEW, MANY])('%i rows, with and without nulls', (count) => {
    const isNull = (i: number) => i % 4 === 3;
    const buffer = parquetWriteBuffer({
      columnData: columns.flatMap(({ name, type, value }) => [
        {
          name,
          data: Array.from({ length: count }, (_, i) => value(i)),
          ...(type && { type }),
          nullable: false,
        },
        {
          name: `${name}_n`,
          data: Array.from({ length: count }, (_, i) => (isNull(i) ? null : value(i))),
          ...(type && { type }),
        },
      ]),
      rowGroupSize: 999,
    });
    const path = folder.write(`hy-${count}.parquet`, new Uint8Array(buffer));
    return read(engine, path).then((found) => {
      expect(found.columns).toEqual(
        columns.flatMap(({ name, sql }) => [`${name} ${sql}`, `${name}_n ${sql}`]),
      );
      const wanted = Array.from({ length: count }, (_, i) =>
        Object.fromEntries(
          columns.flatMap(({ name, value, expected }) => {
            const cell = (expected ?? value)(i);
            return [
              [name, cell],
              [`${name}_n`, isNull(i) ? null : cell],
            ];
          }),
        ),
      );
      expect(found.rows.map(plain)).toEqual(wanted);
    });
  });
});

describe('parquet-wasm (arrow-rs)', () => {
  const { Field } = arrow;
  const item = (type: arrow.DataType) => new Field('item', type, true);
  const struct = new arrow.Struct([
    new Field('a', new arrow.Int64(), true),
    new Field('b', new arrow.List(item(new arrow.Utf8())), true),
  ]);
  const columns: Record<string, [arrow.DataType, (i: number) => unknown, string, ((i: number) => unknown)?]> =
    {
      i8: [new arrow.Int8(), (i) => (i % 200) - 100, 'TINYINT'],
      u16: [new arrow.Uint16(), (i) => 65535 - (i % 100), 'USMALLINT'],
      i64: [new arrow.Int64(), (i) => -(2n ** 63n) + BigInt(i), 'BIGINT'],
      u64: [new arrow.Uint64(), (i) => 2n ** 64n - 1n - BigInt(i), 'UBIGINT'],
      f64: [new arrow.Float64(), (i) => i / 3, 'DOUBLE'],
      dec: [
        new arrow.Decimal(2, 30, 128),
        (i) => Uint32Array.of(i * 100 + 25, 0, 0, 0),
        'DECIMAL(30,2)',
        (i) => i + 0.25,
      ],
      flag: [new arrow.Bool(), (i) => i % 2 === 0, 'BOOLEAN'],
      text: [new arrow.Utf8(), (i) => `grüße 👋 ${i}`, 'VARCHAR'],
      dict: [new arrow.Dictionary(new arrow.Utf8(), new arrow.Int32()), (i) => `word ${i % 7}`, 'VARCHAR'],
      day: [
        new arrow.DateDay(),
        (i) => new Date(86_400_000 * (i - 5)),
        'DATE',
        (i) => new Date(86_400_000 * (i - 5)).toISOString(),
      ],
      ms: [
        new arrow.TimestampMillisecond(),
        (i) => 1_764_000_000_000 + i,
        'TIMESTAMP',
        (i) => new Date(1_764_000_000_000 + i).toISOString(),
      ],
      list: [new arrow.List(item(new arrow.Int32())), (i) => (i % 5 === 4 ? [] : [i, null]), 'INTEGER[]'],
      struct: [
        struct,
        (i) => ({ a: BigInt(i), b: i % 2 ? ['x', null] : null }),
        'STRUCT("a" BIGINT, "b" VARCHAR[])',
      ],
    };

  test.each<[string, Compression, WriterVersion]>([
    ['uncompressed, pages v1', Compression.UNCOMPRESSED, WriterVersion.V1],
    ['snappy, pages v2', Compression.SNAPPY, WriterVersion.V2],
    ['zstd, pages v2', Compression.ZSTD, WriterVersion.V2],
    ['gzip, pages v1', Compression.GZIP, WriterVersion.V1],
    ['brotli, pages v2', Compression.BROTLI, WriterVersion.V2],
    ['lz4_raw, pages v1', Compression.LZ4_RAW, WriterVersion.V1],
  ])('%s', async (name, compression, version) => {
    const isNull = (i: number) => i % 4 === 3;
    const indexes = Array.from({ length: MANY }, (_, i) => i);
    const vectors = Object.entries(columns).map(([column, [type, value]]) => [
      column,
      arrow.vectorFromArray(indexes.map((i) => (isNull(i) ? null : value(i))) as never[], type as never),
    ]);
    const table = new arrow.Table(Object.fromEntries(vectors) as Record<string, arrow.Vector>);
    const properties = new WriterPropertiesBuilder()
      .setCompression(compression)
      .setWriterVersion(version)
      .setMaxRowGroupSize(999)
      .build();
    const bytes = writeParquet(Table.fromIPCStream(arrow.tableToIPC(table, 'stream')), properties);
    const path = join(folder.path, `${name}.parquet`);
    writeFileSync(path, bytes);
    const found = await read(engine, path);
    expect(found.columns).toEqual(Object.entries(columns).map(([column, [, , sql]]) => `${column} ${sql}`));
    const wanted = indexes.map((i) =>
      Object.fromEntries(
        Object.entries(columns).map(([column, [, value, , expected]]) => [
          column,
          isNull(i) ? null : (expected ?? value)(i),
        ]),
      ),
    );
    expect(found.rows.map(plain)).toEqual(wanted);
  });
});
