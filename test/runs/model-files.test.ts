import { utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { modelChanges, modelFilesOf, modelSha256 } from '../../src/runs/model-files.ts';
import { temporaryFolder } from '../temporary.ts';

test('a file whose size and time are known is not read again, and one that was only copied is the same', async () => {
  const folder = temporaryFolder();
  const path = join(folder, 'model.onnx');
  const write = (text: string, seconds: number) => {
    writeFileSync(path, text);
    utimesSync(path, seconds, seconds);
  };
  const files = { folder, names: ['model.onnx'] };
  write('one', 1000);
  const first = await modelFilesOf(files);
  // What nobody can see without reading: had it been read, its hash would be another.
  write('two', 1000);
  expect(await modelFilesOf(files, first)).toEqual(first);
  write('one', 2000);
  const copied = await modelFilesOf(files, first);
  expect(copied[0]!.modifiedMs).toBe(2_000_000);
  expect(modelChanges(first, copied)).toEqual([]);
  expect(modelSha256(copied)).toBe(modelSha256(first));
  write('two', 2000);
  const changed = await modelFilesOf(files);
  expect(modelChanges(first, changed)).toMatchObject([{ field: "model's model.onnx" }]);
  expect(modelSha256(changed)).not.toBe(modelSha256(first));
});

test('a file that came or went is a change', () => {
  const file = { name: 'vocab.txt', size: 1, modifiedMs: 0, sha256: '0123456789abcdef' };
  expect(modelChanges([], [file])).toEqual([
    { field: "model's vocab.txt", before: null, now: '0123456789ab' },
  ]);
  expect(modelChanges([file], [])).toEqual([
    { field: "model's vocab.txt", before: '0123456789ab', now: null },
  ]);
});
