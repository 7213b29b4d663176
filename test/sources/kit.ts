import { afterAll } from 'vitest';
import { Engine } from '../../src/duckdb/engine.ts';
import { Dataset, type DatasetOptions, type ReadOptions } from '../../src/sources/dataset.ts';
import { sqlType } from '../../src/sources/types.ts';
import { localStorage } from '../../src/storage/local.ts';
import type { Storage, StoredBytes } from '../../src/storage/storage.ts';
import { openFolder, type TemporaryFolder } from '../temporary.ts';

/** An engine and a folder for the tests of a file, closed and removed after them. */
export async function openedHere(): Promise<{ engine: Engine; folder: TemporaryFolder }> {
  const engine = await Engine.open();
  const folder = openFolder();
  afterAll(async () => {
    await engine.close();
    folder[Symbol.dispose]();
  });
  return { engine, folder };
}

/** A file in memory that hands out at most `chunk` bytes a read, so that records lie across windows. */
export function memoryBytes(content: string | Uint8Array, chunk = Number.POSITIVE_INFINITY): StoredBytes {
  const bytes = Buffer.from(content);
  return {
    size: bytes.length,
    read: (target, position) => bytes.copy(target, 0, position, position + Math.min(target.length, chunk)),
    close: () => undefined,
  };
}

/** The local disk, counting the bytes that are read through `open`. */
export function countingStorage(): Storage & { bytesRead: number } {
  const counting = {
    ...localStorage,
    bytesRead: 0,
    open(path: string): StoredBytes {
      const file = localStorage.open(path);
      return {
        size: file.size,
        read(target, position) {
          const count = file.read(target, position);
          counting.bytesRead += count;
          return count;
        },
        close: () => file.close(),
      };
    },
  };
  return counting;
}

export type Row = Record<string, unknown>;

/** Opens a dataset, hands it to `use`, and closes it. */
export async function withDataset<T>(
  engine: Engine,
  options: DatasetOptions | string,
  use: (dataset: Dataset) => T | Promise<T>,
): Promise<T> {
  const dataset = await Dataset.open(engine, typeof options === 'string' ? { paths: [options] } : options);
  try {
    return await use(dataset);
  } finally {
    dataset.close();
  }
}

/** All rows of all files as DuckDB gives them to JavaScript, each file in ranges of `every` rows. */
export async function rowsOf(
  engine: Engine,
  dataset: Dataset,
  { columns = dataset.columns.map(({ name }) => name), where }: Partial<ReadOptions> = {},
  every = 1000,
): Promise<Row[]> {
  const rows: Row[] = [];
  for (const file of dataset.files) {
    const facts = await dataset.facts(file, every);
    for (let start = 0; start < facts.rows; start += every) {
      const mark = facts.marks[start / every];
      const count = Math.min(every, facts.rows - start);
      const range = { file, start, rows: count, ...(mark && { mark }) };
      const relation = dataset.relation(range, columns, where);
      rows.push(...(await engine.rows(relation.sql)));
      relation[Symbol.dispose]();
    }
  }
  return rows;
}

/** Columns and rows of a dataset; the rows without the columns `__row` and `__error` where these say nothing. */
export async function read(
  engine: Engine,
  options: DatasetOptions | string,
  readOptions?: Partial<ReadOptions>,
  every?: number,
): Promise<{ columns: string[]; rows: Row[] }> {
  return withDataset(engine, options, async (dataset) => {
    const rows = await rowsOf(engine, dataset, readOptions, every);
    return {
      columns: dataset.columns.map(({ name, type }) => `${name} ${sqlType(type)}`),
      rows: rows.map(({ __row, __error, ...row }) => (__error === null ? row : { __row, __error, ...row })),
    };
  });
}
