import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { isMissing } from './failures.ts';

/** Waits until a file's bytes are on the disk. */
export async function syncFile(path: string): Promise<void> {
  await sync(path, 'r+');
}

/** Waits until the names in a folder are on the disk: without it, a renamed file can lose its name in a power cut. */
export async function syncDir(path: string): Promise<void> {
  await sync(path, 'r');
}

/** Renames within one folder, durably. */
export async function renameDurably(from: string, to: string): Promise<void> {
  await rename(from, to);
  await syncDir(dirname(to));
}

/** Makes a folder and what is missing above it, durably: a power cut can take a new folder with all that is in it. */
export async function makeFolder(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true });
  if (first === undefined) return;
  const top = dirname(resolve(first));
  for (let made = resolve(path); made !== top; made = dirname(made)) await syncDir(dirname(made));
}

/** Removes a file, durably where it was there: one that comes back after a power cut would be believed. */
export async function removeFile(path: string): Promise<void> {
  try {
    await rm(path);
  } catch (error) {
    if (isMissing(error)) return;
    throw error;
  }
  await syncDir(dirname(path));
}

async function sync(path: string, flags: string): Promise<void> {
  const file = await open(path, flags);
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}
