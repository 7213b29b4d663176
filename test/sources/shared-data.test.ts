import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tableFromIPC } from 'apache-arrow';
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SluiceError } from '../../src/errors.ts';
import { Engine } from '../../src/duckdb/engine.ts';
import type { SourceFormat } from '../../src/sources/format.ts';
import { openFolder } from '../temporary.ts';
import { type Row, read } from './kit.ts';
import { filesIn, sharedData as data } from './shared-files.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await Engine.open();
});
afterAll(() => engine.close());

interface Outcome {
  columns: string[];
  rows: Row[];
}

/**
 * What becomes of a file: its rows, the same in shards as in one piece, or the refusal of it. Whatever else is thrown
 * fails the test, and so does a refusal that does not name the file or does not say what to do.
 */
async function outcome(path: string, format?: SourceFormat): Promise<Outcome | string> {
  const options = { paths: [path], ...(format && { format }) };
  let whole: Outcome;
  try {
    whole = await read(engine, options, {}, 1_000_000);
  } catch (error) {
    // Of DuckDB itself, while rows are read: `Dataset.read` gives it the path.
    if (!(error instanceof SluiceError)) return `while reading: ${(error as Error).message}`;
    expect(error.exit).toBe(3);
    expect(error.message).toContain(path);
    expect(error.next).toMatch(/./);
    return error.message;
  }
  const every = Math.max(7, Math.ceil(whole.rows.length / 50));
  expect((await read(engine, options, {}, every)).rows).toEqual(whole.rows);
  for (const row of whole.rows) if (row.__error !== undefined) expect(row.__error).toMatch(/^line \d+: /);
  // It would hold the values of all files otherwise.
  expect(process.memoryUsage().rss).toBeLessThan(1024 ** 3);
  return whole;
}

function rowsOf(found: Outcome | string): Row[] {
  if (typeof found === 'string') throw new Error(found);
  return found.rows;
}

describe.skipIf(!existsSync(data))('the shared data', () => {
  describe('Parquet', () => {
    const refused: Record<string, RegExp> = {
      'ARROW-GH-41317': /geometry/,
      'ARROW-GH-47662': /Out of buffer/,
      'datapage_v1-corrupt-checksum': /column a is damaged: the page at byte 4 does not fit its checksum/,
      'rle-dict-uncompressed-corrupt-checksum': /column long_field is damaged/,
      hadoop_lz4_compressed_larger: /LZ4/,
      non_hadoop_lz4_compressed: /LZ4/,
      'large_string_map.brotli': /Out of Memory/,
      map_no_value: /MAP_KEY_VALUE/,
    };
    // Damaged in a way that the format does not tell, or that hyparquet cannot read.
    const unknown = /GH-43605|GH-6229|dict-malformed|datapage_v2_empty_datapage/;

    test.each([
      ...filesIn('parquet-testing-sample', /\.parquet$/),
      ...filesIn('tables', /\.parquet$/),
      ...filesIn('lake', /\.parquet$/).slice(0, 5),
    ])('%s', async (_, path) => {
      const found = await outcome(path);
      const name = Object.keys(refused).find((key) => path.endsWith(`/${key}.parquet`));
      if (name !== undefined) {
        expect(found).toMatch(refused[name]!);
        return;
      }
      const rows = rowsOf(found);
      if (unknown.test(path)) return;
      const file = await asyncBufferFromFile(path);
      const expected = await parquetReadObjects({ file, compressors, utf8: false });
      expect(rows).toHaveLength(expected.length);
      for (const column of Object.keys(expected[0] ?? {})) {
        const values = expected.map((row) => row[column]);
        // What JavaScript and DuckDB both have a plain value for.
        if (!values.every(isPlain)) continue;
        expect(
          rows.map((row) => bare(row[column])),
          column,
        ).toEqual(values.map(bare));
      }
    });

    test('delta encodings have the values that are told beside them', async () => {
      const folder = join(data, 'parquet-testing-sample/data');
      const encoded = rowsOf(await outcome(join(folder, 'delta_byte_array.parquet')));
      const expected = rowsOf(await outcome(join(folder, 'delta_byte_array_expect.csv')));
      const text = (row: Row) => Object.values(row).map((value) => (value === null ? '' : String(value)));
      expect(encoded.map(text)).toEqual(expected.map(text));
    });

    test('the lake is one table with its folders as a column', async () => {
      const { columns, rows } = await read(engine, join(data, 'lake/commits'), { columns: ['sha', 'dt'] });
      expect(columns).toContain('dt DATE');
      expect(rows).toHaveLength(7591);
    });
  });

  describe('Arrow', () => {
    const files = filesIn('arrow-testing', /^(generated_.*(arrow_file|stream)|(clusterfuzz|crash|fuzz).*)$/);
    test.each(files)('%s', async (name, path) => {
      const found = await outcome(path, 'arrow');
      if (/clusterfuzz|crash|lz4|zstd|union|interval/.test(name)) expect(found).toMatch(/cannot be read/);
      else expect(rowsOf(found)).toHaveLength(tableFromIPC(readFileSync(path)).numRows);
    });
  });

  describe('CSV', () => {
    // What is told of location_coordinates.csv is another number than its own.
    test.each(filesIn('csv/csv-spectrum/csvs', /^(?!location).*\.csv$/))(
      '%s: the rows that are told beside it',
      async (_, path) => {
        const told = JSON.parse(
          readFileSync(path.replace('/csvs/', '/json/').replace(/csv$/, 'json'), 'utf8'),
        );
        const rows = rowsOf(await outcome(path));
        const text = (row: Row) => Object.entries(row).map(([key, value]) => [key, String(value ?? '')]);
        // JSON's line ends are those of the machine that it was written on.
        const unix = (value: unknown) => JSON.stringify(value).replaceAll('\\r\\n', '\\n');
        expect(unix(rows.map(text))).toBe(unix([told].flat().map(text)));
      },
    );

    const others = [
      ...filesIn('csv/duckdb', /\.(csv|tsv)(\.gz)?$/),
      ...filesIn('arrow-testing/csv', /\.csv(\.gz)?$/),
    ];
    test('others are read, in shards as in one piece, or refused', async () => {
      const refused: string[] = [];
      for (const [name, path] of others) if (typeof (await outcome(path)) === 'string') refused.push(name);
      // Names with a zero byte, and Latin-1 without a byte of UTF-8.
      for (const name of refused) expect(name).toMatch(/null_terminator|only_latin1|fuzzing\/\d+/);
    });
  });

  describe('JSON', () => {
    test('JSONTestSuite: what must be refused is refused or a failed row; objects that must be accepted are read', async () => {
      for (const [name, path] of filesIn('json/JSONTestSuite/test_parsing', /\.json$/)) {
        const found = await outcome(path);
        const content = readFileSync(path, 'utf8').trim();
        const isLine = content.startsWith('{') && !content.includes('\n');
        if (/\/n_/.test(name) && typeof found !== 'string') {
          expect(
            found.rows.map((row) => row.__error),
            name,
          ).not.toContain(undefined);
        }
        // A key that is empty or comes with a zero byte is no column.
        if (/\/y_/.test(name) && isLine) {
          expect(
            rowsOf(found).map((row) => row.__error),
            name,
          ).toEqual([undefined]);
        }
      }
    });

    test('others are read or refused, and arrays are refused with how to convert them', async () => {
      for (const [, path] of filesIn('json/duckdb', /json(l)?(\.gz)?$/)) await outcome(path, 'jsonl');
      for (const [, path] of filesIn('tables-raw', /\.json$/))
        expect(await outcome(path)).toMatch(/JSON array/);
    });
  });

  test('any file under the name of any format is read or refused', async () => {
    using folder = openFolder();
    const samples = [
      'tables/wnut17_dev.parquet',
      'tables-raw/vega/seattle-weather.csv',
      'arrow-testing/arrow-ipc-stream/integration/1.0.0-littleendian/generated_map.arrow_file',
      'arrow-testing/arrow-ipc-stream/integration/1.0.0-littleendian/generated_map.stream',
      'json/duckdb/bluesky.json.gz',
      'text/scitldr/dev.jsonl',
    ].map((name) => join(data, name));
    for (const sample of samples.filter((path) => existsSync(path))) {
      const content = readFileSync(sample);
      for (const extension of ['parquet', 'arrow', 'jsonl', 'csv', 'tsv', 'csv.gz']) {
        const path = join(folder.path, `x.${extension}`);
        // Whole, cut in the middle, and with a hole.
        const holed = Buffer.from(content).fill(0, content.length >> 2, content.length >> 1);
        for (const bytes of [content, content.subarray(0, content.length >> 1), holed]) {
          writeFileSync(path, bytes);
          await outcome(path);
        }
      }
    }
  });
});

function isPlain(value: unknown): boolean {
  if (value === null || value === undefined) return true;
  return /^(number|bigint|boolean|string)$/.test(typeof value) || value instanceof Uint8Array;
}

/** Text and bytes alike, as are numbers and integers of 64 bits, and an absent value and null. */
function bare(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('utf8');
  if (typeof value === 'bigint') return Number(value);
  return value ?? null;
}
