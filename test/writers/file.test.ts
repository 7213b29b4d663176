import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createFile } from '../../src/writers/file.ts';
import { temporaryFolder } from '../temporary.ts';

test('rows that do not fit into memory end with what to do, and leave no file', async () => {
  const path = join(temporaryFolder(), 'part.parquet');
  const write = async () => {
    writeFileSync(path, 'half');
    throw new Error('Out of Memory Error: could not allocate block of size 256.0 KiB (2.0 GiB/2.0 GiB used)');
  };
  await expect(createFile(path, write)).rejects.toMatchObject({
    code: 'OUTPUT_MEMORY',
    exit: 3,
    message: expect.stringContaining(path),
    next: expect.stringMatching(/output\.keep.*output\.rows_per_part/),
  });
  expect(existsSync(path)).toBe(false);
});
