import { chmodSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { localStorage } from '../../src/storage/local.ts';
import { openFolder, type TemporaryFolder } from '../temporary.ts';

let folder: TemporaryFolder;
let home: string;
beforeEach(() => {
  home = process.cwd();
  folder = openFolder();
  process.chdir(folder.path);
});
afterEach(() => {
  process.chdir(home);
  folder[Symbol.dispose]();
});

async function paths(pattern: string): Promise<string[]> {
  return (await localStorage.list(pattern)).files.map((file) => file.path);
}

function write(...names: string[]): void {
  for (const name of names) folder.write(name, 'x');
}

describe('list', () => {
  test('a folder is everything below it that is data, sorted', async () => {
    write('d/b.csv', 'd/a/z.csv', 'd/a/_SUCCESS', 'd/_temporary/x.csv', 'd/.x.crc', 'd/_k=1/y.csv');
    expect(await paths('d')).toEqual(['d/_k=1/y.csv', 'd/a/z.csv', 'd/b.csv']);
    expect(await paths('./d//')).toEqual(await paths('d'));
    expect((await localStorage.list('d')).kind).toBe('directory');
  });

  test('a hidden file or folder is read when it is named outright', async () => {
    write('d/_SUCCESS', 'd/_temporary/x.csv');
    expect(await paths('d/_SUCCESS')).toEqual(['d/_SUCCESS']);
    expect(await paths('d/_temporary')).toEqual(['d/_temporary/x.csv']);
    expect(await paths('d/_temporary/*')).toEqual(['d/_temporary/x.csv']);
  });

  test('globs match level by level, and ** any number of levels', async () => {
    write('d/a.csv', 'd/x/b.csv', 'd/x/y/c.csv', 'd/x/y/c.txt');
    expect(await paths('d/*.csv')).toEqual(['d/a.csv']);
    expect(await paths('d/**/*.csv')).toEqual(['d/a.csv', 'd/x/b.csv', 'd/x/y/c.csv']);
    expect(await paths('**/c.*')).toEqual(['d/x/y/c.csv', 'd/x/y/c.txt']);
    expect(await paths('d/**')).toHaveLength(4);
    expect(await paths('{d/**/*.csv,d/**/*.txt}')).toHaveLength(4);
    expect(await paths(`${folder.path}/d/x/?.csv`)).toEqual([`${folder.path}/d/x/b.csv`]);
  });

  test('a folder that a glob matches counts with everything below it', async () => {
    write('d/dt=1/a.csv', 'd/dt=2/h=0/a.csv', 'd/other/a.csv');
    expect(await paths('d/dt=*')).toEqual(['d/dt=1/a.csv', 'd/dt=2/h=0/a.csv']);
  });

  test('a path that exists as written is not read as a glob', async () => {
    write('a[1].csv', 'a1.csv', '{x}/y*.csv', '{x}/yz.csv');
    expect(await paths('a[1].csv')).toEqual(['a[1].csv']);
    expect(await paths('{x}/y*.csv')).toEqual(['{x}/y*.csv']);
    expect(await paths('{x}')).toHaveLength(2);
  });

  test('each file comes once, whatever links and braces lead to it', async () => {
    write('d/a.csv');
    symlinkSync('..', join(folder.path, 'd/up'));
    symlinkSync('.', join(folder.path, 'd/self'));
    expect(await paths('d')).toEqual(['d/a.csv']);
    expect(await paths('d/**/*.csv')).toContain('d/a.csv');
    expect(await paths('{d/a.csv,d/*.csv}')).toEqual(['d/a.csv']);
  });

  test('size and time of change are those of the file', async () => {
    folder.write('a.csv', 'hello');
    const { files } = await localStorage.list('a.csv');
    expect(files).toEqual([await localStorage.stat('a.csv')]);
    expect(files[0]!.size).toBe(5);
    expect(Number.isInteger(files[0]!.modifiedMs)).toBe(true);
  });

  test.each([
    ['data/sqad/x.csv', /does not exist: data\/sqad\/x.csv/, /Did you mean data\/squad\?/],
    ['data/squad/y*.csv', /matches nothing/, /data\/squad has x\.csv\./],
    ['dta', /does not exist/, /Did you mean data\?/],
    ['zzzzzzzz', /does not exist/, /working directory, .*has data, empty, only_hidden\./],
    ['empty', /no files: empty/, /begin with/],
    ['only_hidden', /no files/, /name such a file outright/],
    ['', /does not exist: ""/, /glob such as/],
    ['empty/*.csv', /matches nothing/, /empty is empty/],
  ])('%j that leads nowhere says so and what is there instead', async (pattern, message, next) => {
    write('data/squad/x.csv', 'only_hidden/_SUCCESS');
    mkdirSync('empty');
    await expect(localStorage.list(pattern)).rejects.toMatchObject({
      code: 'SOURCE_NOT_FOUND',
      exit: 3,
      message: expect.stringMatching(message),
      next: expect.stringMatching(next),
    });
  });

  test.skipIf(process.getuid?.() === 0)('a folder that may not be read is an error, not empty', async () => {
    write('d/x/a.csv', 'd/b.csv');
    chmodSync('d/x', 0);
    await expect(localStorage.list('d')).rejects.toMatchObject({ code: 'SOURCE_NOT_READABLE', exit: 3 });
    chmodSync('d/x', 0o755);
  });
});

describe('open', () => {
  test('reads any range, and less at the end', () => {
    folder.write('a', 'hello world');
    const file = localStorage.open('a');
    const target = new Uint8Array(8);
    expect(file.size).toBe(11);
    expect(file.read(target, 6)).toBe(5);
    expect(Buffer.from(target.subarray(0, 5)).toString()).toBe('world');
    expect(file.read(target, 11)).toBe(0);
    file.close();
    file.close();
    expect(() => file.read(target, 0)).toThrow(/closed/);
  });

  test('what cannot be opened names the path', () => {
    expect(() => localStorage.open('nowhere')).toThrow(
      expect.objectContaining({ code: 'SOURCE_NOT_READABLE', message: expect.stringContaining('nowhere') }),
    );
  });
});

describe('writing', () => {
  test('a file appears whole, replaces what was there, and leaves nothing beside it', async () => {
    await localStorage.writeAtomic('out/_sluice/plan.json', 'one');
    await localStorage.writeAtomic('out/_sluice/plan.json', new Uint8Array([0x74, 0x77, 0x6f]));
    expect(readFileSync('out/_sluice/plan.json', 'utf8')).toBe('two');
    expect(readdirSync('out/_sluice')).toEqual(['plan.json']);
  });

  test('publishing gives a temporary file its name', async () => {
    write('out/.part.tmp', 'out/part');
    await localStorage.publish('out/.part.tmp', 'out/part');
    expect(readdirSync('out')).toEqual(['part']);
  });

  test('a place that cannot be written is named, with the reason, and no temporary file is left', async () => {
    write('file');
    mkdirSync('folder');
    folder.write('folder/x', '');
    for (const path of ['file/x', 'folder']) {
      await expect(localStorage.writeAtomic(path, 'x')).rejects.toMatchObject({
        code: 'OUTPUT_NOT_WRITABLE',
        exit: 3,
        message: expect.stringContaining(path),
      });
    }
    await expect(localStorage.publish('missing', 'x')).rejects.toMatchObject({ code: 'OUTPUT_NOT_WRITABLE' });
    expect(readdirSync('.').sort()).toEqual(['file', 'folder']);
  });
});
