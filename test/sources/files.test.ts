import { renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Engine } from '../../src/duckdb/engine.ts';
import { arrange, folderVersion } from '../../src/sources/files.ts';
import { findFiles } from '../../src/sources/find.ts';
import { localStorage } from '../../src/storage/local.ts';
import { openFolder, type TemporaryFolder } from '../temporary.ts';
import { countingStorage, read, rowsOf, withDataset } from './kit.ts';

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

const modified = new Date('2026-11-01T12:34:56.789Z');

function write(name: string, content: string | Uint8Array): string {
  const path = folder.write(name, content);
  utimesSync(path, modified, modified);
  return path;
}

const options = (...paths: string[]) => ({
  paths: paths.map((path) => join(folder.path, path)),
  format: 'files' as const,
});

test('each file is a row of path, name, size, modified and content', async () => {
  const path = write('b.png', 'bytes\0of b');
  const empty = write('a.wav', '');
  utimesSync(empty, modified, new Date(0));
  write('.hidden', 'x');
  const { columns, rows } = await read(engine, options('.'));
  expect(columns).toEqual([
    'path VARCHAR',
    'name VARCHAR',
    'size BIGINT',
    'modified TIMESTAMP WITH TIME ZONE',
    'content BLOB',
  ]);
  expect(rows).toEqual([
    expect.objectContaining({ name: 'a.wav', size: 0n }),
    { path, name: 'b.png', size: 10n, modified, content: Buffer.from('bytes\0of b') },
  ]);
});

test('a file is there once, however many patterns match it; ranges give what the whole gives', async () => {
  for (let i = 0; i < 25; i++) write(`${String(i).padStart(2, '0')}.png`, `picture ${i}`);
  const all = await read(engine, options('*.png', '0*', '.'));
  expect(all.rows.map((row) => row.name)).toEqual(
    Array.from({ length: 25 }, (_, i) => `${String(i).padStart(2, '0')}.png`),
  );
  expect(await read(engine, options('.'), {}, 7)).toEqual(all);
});

test('every folder is a source file of its own, with its partitions', async () => {
  write('day=2026-11-01/a.png', 'a');
  write('day=2026-11-02/b.png', 'b');
  const { columns, rows } = await read(engine, options('.'), { columns: ['name', 'day'] });
  expect(columns.at(-1)).toBe('day DATE');
  expect(rows.map(({ name, day }) => [name, (day as Date).toISOString().slice(0, 10)])).toEqual([
    ['a.png', '2026-11-01'],
    ['b.png', '2026-11-02'],
  ]);
  await withDataset(engine, options('.'), ({ files }) => {
    expect(files.map(({ path }) => path.slice(folder.path.length))).toEqual([
      '/day=2026-11-01/*',
      '/day=2026-11-02/*',
    ]);
  });
});

test('bytes are read only where content is wanted, and only those of the range', async () => {
  for (let i = 0; i < 100; i++) write(`${i}.png`, Buffer.alloc(1000));
  const storage = countingStorage();
  await withDataset(engine, { ...options('.'), storage }, async (dataset) => {
    await rowsOf(engine, dataset, { columns: ['path', 'size'] });
    expect(storage.bytesRead).toBe(0);
    const [file] = dataset.files;
    for await (const batch of dataset.read({ file: file!, start: 10, rows: 5 }, { columns: ['content'] })) {
      expect(batch.numRows).toBe(5);
    }
    expect(storage.bytesRead).toBe(5000);
  });
});

test('content comes a few megabytes at a time, not all at once', async () => {
  for (let i = 0; i < 12; i++) write(`${i}.wav`, Buffer.alloc(3 * 2 ** 20, i));
  const sizes: number[] = [];
  await withDataset(engine, options('.'), async (dataset) => {
    const [file] = dataset.files;
    const range = { file: file!, start: 0, rows: 12 };
    for await (const batch of dataset.read(range, { columns: ['content'] })) sizes.push(batch.numRows);
  });
  expect(sizes).toEqual([3, 3, 3, 3]);
});

test('a file that vanished, shrank or grew since the plan is its row’s error, the others are read', async () => {
  for (const name of ['a', 'b', 'c', 'd']) write(`${name}.png`, 'content');
  await withDataset(engine, options('.'), async (dataset) => {
    rmSync(join(folder.path, 'a.png'));
    writeFileSync(join(folder.path, 'b.png'), 'cont');
    writeFileSync(join(folder.path, 'c.png'), 'content and more');
    const rows = await rowsOf(engine, dataset, { columns: ['name', 'content'] });
    expect(rows.map(({ name, __error, content }) => [name, __error, content])).toEqual([
      ['a.png', expect.stringMatching(/a\.png.*(ENOENT|no such file)/), null],
      ['b.png', expect.stringMatching(/b\.png \(7 bytes before, 4 now\)/), null],
      ['c.png', expect.stringMatching(/c\.png \(7 bytes before, 16 now\)/), null],
      ['d.png', null, Buffer.from('content')],
    ]);
    const [file] = dataset.files;
    expect(await dataset.isUnchanged(file!, { start: 0, rows: 4 })).toBe(false);
    expect(await dataset.isUnchanged(file!, { start: 3, rows: 1 })).toBe(true);
  });
});

describe('a folder is another one when a file', () => {
  test.each<[string, () => void]>([
    ['comes', () => write('c.png', 'x')],
    ['comes empty', () => write('c.png', '')],
    ['goes', () => rmSync(join(folder.path, 'a.png'))],
    ['is renamed', () => renameSync(join(folder.path, 'a.png'), join(folder.path, 'z.png'))],
    ['is touched', () => utimesSync(join(folder.path, 'a.png'), modified, new Date(0))],
  ])('%s', async (_, change) => {
    write('a.png', 'a');
    write('b.png', 'b');
    const version = async () => {
      const [found] = await findFiles(localStorage, [folder.path], 'files');
      return folderVersion(found!.members!);
    };
    const before = await version();
    expect(await version()).toEqual(before);
    change();
    expect(await version()).not.toEqual(before);
  });
});

test('rows are in the order of names, whenever the files came', async () => {
  write('b.png', 'b');
  const later = write('c.png', 'c');
  utimesSync(later, modified, new Date(0));
  write('a.png', 'a');
  const { rows } = await read(engine, options('.'));
  expect(rows.map((row) => row.name)).toEqual(['a.png', 'b.png', 'c.png']);
});

test('arranged by an earlier run, what it knew keeps its place and what came since follows', async () => {
  for (const name of ['d', 'a', 'c', 'b']) write(`${name}.png`, name);
  await withDataset(engine, options('.'), async (dataset) => {
    arrange(dataset.files[0]!.members!, ['c.png', 'gone.png', 'b.png']);
    const rows = await rowsOf(engine, dataset, { columns: ['name'] });
    expect(rows.map((row) => row.name)).toEqual(['c.png', 'b.png', 'a.png', 'd.png']);
  });
});

test('a folder without files, and a URL, are refused', async () => {
  await expect(read(engine, options('.'))).rejects.toThrow('source folder has no files');
  await expect(read(engine, { paths: ['https://a.b/c.png'], format: 'files' })).rejects.toThrow(
    'source.path is a URL',
  );
});
