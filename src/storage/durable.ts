import { open, rename } from 'node:fs/promises';
import { dirname } from 'node:path';

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

async function sync(path: string, flags: string): Promise<void> {
  const file = await open(path, flags);
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}
