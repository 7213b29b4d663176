import { hash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { LocalFiles } from '../backends/backend.ts';
import { fileSha256 } from './file-sha256.ts';
import { type Change, canonical } from './fingerprint.ts';

/** A file of a model on this machine, as it was when its answers were made. */
export interface ModelFile {
  name: string;
  size: number;
  /** Modification time, milliseconds since 1970. */
  modifiedMs: number;
  sha256: string;
}

/**
 * The files that decide a model's answers. One whose size and time are as the plan knows them is not read again:
 * gigabytes take seconds to hash, and every run begins here.
 */
export async function modelFilesOf(
  { folder, names }: LocalFiles,
  known: readonly ModelFile[] = [],
): Promise<ModelFile[]> {
  const files: ModelFile[] = [];
  for (const name of names) {
    const path = join(folder, name);
    const { size, mtimeMs: modifiedMs } = await stat(path);
    const same = known.find(
      (file) => file.name === name && file.size === size && file.modifiedMs === modifiedMs,
    );
    files.push(same ?? { name, size, modifiedMs, sha256: await fileSha256(path) });
  }
  return files;
}

/** What differs in content; a file that was only copied anew does not. */
export function modelChanges(before: readonly ModelFile[], now: readonly ModelFile[]): Change[] {
  const names = new Set([...before, ...now].map(({ name }) => name));
  const hashIn = (files: readonly ModelFile[], name: string) =>
    files.find((file) => file.name === name)?.sha256.slice(0, 12) ?? null;
  return [...names]
    .map((name) => ({ field: `model's ${name}`, before: hashIn(before, name), now: hashIn(now, name) }))
    .filter(({ before: was, now: is }) => was !== is);
}

/** SHA-256 over the files of a model, in hex: which model of its name answered. */
export function modelSha256(files: readonly ModelFile[]): string {
  return hash('sha256', canonical(files.map(({ name, sha256 }) => [name, sha256])), 'hex');
}
