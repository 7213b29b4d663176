import { posix } from 'node:path';
import { MappingError } from './mapping-error.ts';

/** Gets what a row names. Handed in, as the mapping itself touches neither disk nor network. */
export interface MediaReader {
  /**
   * Reads a file; undefined where there is none.
   * @param folder of the source file; files outside of it and of the working directory are not read
   * @throws {MappingError} for one that is there but is not read
   */
  readFile(path: string, folder: string): Promise<Uint8Array | undefined>;
  /** Fetches an http(s) URL. @throws {MappingError} */
  fetchUrl(url: string): Promise<Uint8Array>;
}

/**
 * Reads the file that a row names by a path, relative to the folder of the source file or else to the working
 * directory.
 * @param sourceFile path of the file that the row is of
 * @throws {MappingError} where there is none
 */
export async function namedBytes(path: string, sourceFile: string, reader: MediaReader): Promise<Uint8Array> {
  if (path === '') throw new MappingError('is an empty path');
  const folder = posix.dirname(sourceFile.replaceAll('\\', '/'));
  const candidates = posix.isAbsolute(path) ? [path] : [posix.join(folder, path), posix.normalize(path)];
  for (const candidate of new Set(candidates)) {
    const bytes = await reader.readFile(candidate, folder);
    if (bytes !== undefined) return bytes;
  }
  throw new MappingError(
    `names a file that is not there: ${brief(path)} (looked for ${candidates.map(brief).join(', ')})`,
  );
}

/** The beginning of a text out of a row, for a message. */
export function brief(text: string): string {
  return text.length <= 120 ? text : `${text.slice(0, 120)}…`;
}
