import { readFile, realpath, stat } from 'node:fs/promises';
import { relative, resolve, sep } from 'node:path';
import { NotReachable } from './not-reachable.ts';

/** Larger files are no images or recordings that an API would take; they would fill the memory. */
export const MAX_NAMED_BYTES = 100 * 2 ** 20;

/** What a name in a row may be to blame for: there is no such file. Anything else is the disk's fault. */
const MISSING = ['ENOENT', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG', 'ERR_INVALID_ARG_VALUE'];

/**
 * Reads a file that a row names. Only files below the given folders are read, wherever `..`, an absolute path or a
 * symbolic link leads: the rows of a dataset come from others, and must not choose which files of this machine are
 * sent to a server.
 * @returns undefined where there is no such file
 * @throws {NotReachable} for one that is there but may not or cannot be sent
 */
export async function readNamedFile(
  path: string,
  folders: readonly string[],
): Promise<Uint8Array | undefined> {
  try {
    const real = await realpath(path);
    const roots = await Promise.all(folders.map((folder) => realpath(folder)));
    if (!roots.some((root) => isInside(real, root))) {
      throw new NotReachable(
        `leads out of the source file's folder and of the working directory, where files are not read: ${path}`,
      );
    }
    const { size } = await regularFile(path, real);
    if (size > MAX_NAMED_BYTES) {
      throw new NotReachable(
        `names a file of ${size} bytes; more than ${MAX_NAMED_BYTES} are not sent: ${path}`,
      );
    }
    return await readFile(real);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? '';
    if (MISSING.includes(code)) return undefined;
    if (code === 'EACCES') throw new NotReachable(`names a file that may not be read: ${path}`);
    throw error;
  }
}

/** A pipe or a device would be read for ever. */
async function regularFile(path: string, real: string) {
  const found = await stat(real);
  if (found.isFile()) return found;
  throw new NotReachable(`names ${found.isDirectory() ? 'a folder' : 'something'} that is no file: ${path}`);
}

function isInside(path: string, folder: string): boolean {
  const way = relative(resolve(folder), path);
  return way !== '..' && !way.startsWith(`..${sep}`);
}
