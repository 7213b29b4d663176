import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { open, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { makeFolder, renameDurably, syncFile } from './durable.ts';
import { isMissing, notReadable, notWritable } from './failures.ts';
import { listLocal } from './local-list.ts';
import type { Storage, StoredBytes, StoredFile } from './storage.ts';

/** The disk of this machine. */
export const localStorage: Storage = {
  list: listLocal,
  stat: statLocal,
  open: (path) => new LocalBytes(path),
  writeAtomic,
  publish,
};

async function statLocal(path: string): Promise<StoredFile | undefined> {
  try {
    const { size, mtimeMs } = await stat(path);
    return { path, size, modifiedMs: Math.floor(mtimeMs) };
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw notReadable(path, error);
  }
}

class LocalBytes implements StoredBytes {
  readonly size: number;
  readonly #path: string;
  /** The file descriptor; undefined when closed. */
  #file: number | undefined;

  constructor(path: string) {
    this.#path = path;
    try {
      this.#file = openSync(path, 'r');
      this.size = fstatSync(this.#file).size;
    } catch (error) {
      throw notReadable(path, error);
    }
  }

  read(target: Uint8Array, position: number): number {
    if (this.#file === undefined) throw new Error(`storage file is closed: ${this.#path}`);
    let count = 0;
    try {
      while (count < target.length) {
        // A single read may return less than is there: signals, network file systems.
        const got = readSync(this.#file, target, count, target.length - count, position + count);
        if (got === 0) break;
        count += got;
      }
    } catch (error) {
      throw notReadable(this.#path, error);
    }
    return count;
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }
}

/** Makes the names of temporary files differ within this process; the process id does it between processes. */
let temporaries = 0;

/** Whether a name is that of a temporary file of `writeAtomic`, which only a killed process leaves behind. */
export function isLeftover(name: string): boolean {
  return /^\..+\.\d+-\d+\.tmp$/.test(name);
}

async function writeAtomic(path: string, bytes: Uint8Array | string): Promise<void> {
  // The leading dot hides it from listings when a kill leaves it behind.
  const temporary = join(dirname(path), `.${basename(path)}.${process.pid}-${temporaries++}.tmp`);
  await makeFolder(dirname(path)).catch((error: unknown) => {
    throw notWritable(path, error);
  });
  try {
    const file = await open(temporary, 'wx');
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await renameDurably(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw notWritable(path, error);
  }
}

async function publish(temporary: string, path: string): Promise<void> {
  try {
    await syncFile(temporary);
    await renameDurably(temporary, path);
  } catch (error) {
    throw notWritable(path, error);
  }
}
