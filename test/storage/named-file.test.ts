import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, symlinkSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { MAX_NAMED_BYTES, readNamedFile } from '../../src/storage/named-file.ts';
import { openFolder, type TemporaryFolder } from '../temporary.ts';

let outside: TemporaryFolder;
let folder: TemporaryFolder;
let work: string;
let data: string;
beforeEach(() => {
  outside = openFolder();
  folder = openFolder();
  work = join(folder.path, 'work');
  data = join(folder.path, 'data');
  outside.write('secret.png', 'secret');
  folder.write('secret.png', 'secret');
  folder.write('work/dog.png', 'dog');
  folder.write('data/cat.png', 'cat');
  folder.write('data/deep/bird.png', 'bird');
});
afterEach(() => {
  outside[Symbol.dispose]();
  folder[Symbol.dispose]();
});

async function read(path: string): Promise<string | undefined> {
  const bytes = await readNamedFile(path, [data, work]);
  return bytes && Buffer.from(bytes).toString();
}

test('files below either folder are read, by whatever way', async () => {
  symlinkSync(join(work, 'dog.png'), join(data, 'link.png'));
  symlinkSync(data, join(work, 'data'));
  expect(await read(join(data, 'cat.png'))).toBe('cat');
  expect(await read(join(data, 'deep/../deep/bird.png'))).toBe('bird');
  expect(await read(join(data, '../work/dog.png'))).toBe('dog');
  expect(await read(join(data, 'link.png'))).toBe('dog');
  expect(await read(join(work, 'data/cat.png'))).toBe('cat');
});

test('a folder that is itself a link holds its files', async () => {
  symlinkSync(data, join(outside.path, 'alias'));
  const bytes = await readNamedFile(join(outside.path, 'alias/cat.png'), [join(outside.path, 'alias')]);
  expect(Buffer.from(bytes!).toString()).toBe('cat');
});

test.each<[string, () => string]>([
  ['dots', () => join(data, '..', 'secret.png')],
  ['an absolute path', () => join(outside.path, 'secret.png')],
  [
    'a link to a file',
    () => {
      symlinkSync(join(outside.path, 'secret.png'), join(data, 'innocent.png'));
      return join(data, 'innocent.png');
    },
  ],
  [
    'a link to a folder',
    () => {
      symlinkSync(outside.path, join(data, 'more'));
      return join(data, 'more/secret.png');
    },
  ],
  [
    'a folder whose name begins alike',
    () => {
      folder.write('data2/secret.png', 'secret');
      return join(folder.path, 'data2/secret.png');
    },
  ],
])('%s does not lead out', async (_, path) => {
  await expect(read(path())).rejects.toThrow(/^leads out of the source file's folder/);
});

test.each(['gone.png', 'cat.png/x.png', `${'long'.repeat(100)}.png`, 'zero\0byte.png', ''])(
  'there is no file %j',
  async (name) => {
    expect(await read(name === '' ? '' : join(data, name))).toBeUndefined();
  },
);

test('what is no file is not read for ever', async () => {
  mkdirSync(join(data, 'folder.png'));
  execFileSync('mkfifo', [join(data, 'pipe.png')]);
  await expect(read(join(data, 'folder.png'))).rejects.toThrow(/names a folder that is no file/);
  await expect(read(join(data, 'pipe.png'))).rejects.toThrow(/names something that is no file/);
});

test('a file too large for any API is not loaded', async () => {
  const path = folder.write('data/large.png', '');
  truncateSync(path, MAX_NAMED_BYTES + 1);
  await expect(read(path)).rejects.toThrow(/names a file of \d+ bytes; more than \d+ are not sent/);
});

test.skipIf(process.getuid?.() === 0)('a file that may not be read is said to be there', async () => {
  chmodSync(join(data, 'cat.png'), 0);
  await expect(read(join(data, 'cat.png'))).rejects.toThrow(/may not be read/);
});
