import { rm, stat } from 'node:fs/promises';
import { messageOf, SluiceError } from '../errors.ts';
import type { Written } from './writer.ts';

/**
 * Runs `write`, which creates the file and returns its rows, and measures the file. A failure removes the file.
 * @throws {SluiceError} with the path and the reason where the file cannot be written
 */
export async function createFile(path: string, write: () => Promise<number>): Promise<Written> {
  try {
    const rows = await write();
    const { size } = await stat(path);
    return { rows, bytes: size };
  } catch (error) {
    // That the file cannot be removed says less than why it could not be written.
    await rm(path, { force: true }).catch(() => undefined);
    throw reasonOf(path, error);
  }
}

/** DuckDB names the file and quotes the operating system: `IO Error: Could not write file "…": No space left on device`. */
function reasonOf(path: string, error: unknown): unknown {
  const message = messageOf(error);
  if (message.startsWith('Out of Memory Error')) return tooWide(path, error);
  const named = `file "${path}": `;
  if (!message.startsWith('IO Error: ') || !message.includes(named)) return error;
  return notWritable(path, message.slice(message.indexOf(named) + named.length), error);
}

/** A row group is built in memory: thousands of rows with megabytes in a kept column may not fit. */
function tooWide(path: string, cause: unknown): SluiceError {
  return new SluiceError(
    'OUTPUT_MEMORY',
    `output cannot be written: ${path}: its rows need too much memory`,
    {
      next:
        'Run again on a machine with more memory: answers that were received are kept. Or leave wide columns out of ' +
        'output.keep, or set output.rows_per_part lower; both need --fresh or another output.path.',
      cause,
    },
  );
}

export function notWritable(path: string, reason: string, cause: unknown): SluiceError {
  return new SluiceError('OUTPUT_NOT_WRITABLE', `output cannot be written: ${path}: ${reason}`, {
    next: 'Free space or change output.path, then run again: answers that were received are kept.',
    cause,
  });
}
