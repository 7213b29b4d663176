import { readFile } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { messageOf, SluiceError } from '../errors.ts';

/**
 * A value as a file of the run directory holds it: JSON whose last key is a checksum over the others. A digit that
 * flipped on the disk is still JSON, and would put a shard's rows into the wrong part.
 */
export function stateText(value: object, indent?: number): string {
  return `${JSON.stringify({ ...value, checksum: checksumOf(value) }, null, indent)}\n`;
}

/**
 * Reads such a file; undefined where there is none. One without a checksum is taken as it is.
 * @throws {SluiceError} STATE_UNREADABLE, STATE_DAMAGED or STATE_VERSION, exit 3
 */
export async function readStateFile<T extends { version: number }>(
  path: string,
  version: number,
): Promise<T | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new SluiceError('STATE_UNREADABLE', `run directory: cannot read ${path}: ${messageOf(error)}`, {
      cause: error,
    });
  }
  let content: T & { checksum?: string };
  try {
    content = JSON.parse(text) as T & { checksum?: string };
  } catch (error) {
    throw damaged(path, messageOf(error), error);
  }
  if (content === null || typeof content !== 'object') throw damaged(path, 'it is no object');
  const { checksum, ...value } = content;
  // A version before its checksum: how another version checks itself is not known here.
  if (content.version !== version) throw otherVersion(path, content.version, version);
  if (checksum !== undefined && checksum !== checksumOf(value))
    throw damaged(path, 'its checksum does not fit');
  return value as unknown as T;
}

/** @param what the file, or the file and the place in it */
export function damaged(what: string, reason: string, cause?: unknown): SluiceError {
  return new SluiceError('STATE_DAMAGED', `run directory: ${what} is damaged: ${reason}`, {
    next: 'restore the file from a backup, or start anew with --fresh (all rows are asked again)',
    ...(cause === undefined ? {} : { cause }),
  });
}

export function otherVersion(path: string, found: unknown, read: number): SluiceError {
  return new SluiceError(
    'STATE_VERSION',
    `run directory: ${path} has version ${String(found)}, this sluice reads ${read}`,
    { next: 'use the sluice that wrote it, or start anew with --fresh (all rows are asked again)' },
  );
}

function checksumOf(value: object): string {
  return crc32(JSON.stringify(value)).toString(16).padStart(8, '0');
}
