import { messageOf, SluiceError } from '../errors.ts';

/** Whether the system says that a name does not exist (or that a part of the way to it is not a folder). */
export function isMissing(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code;
  return code === 'ENOENT' || code === 'ENOTDIR';
}

/** Something that is there, or was a moment ago, but cannot be read. */
export function notReadable(path: string, error: unknown): SluiceError {
  return new SluiceError('SOURCE_NOT_READABLE', `source cannot be read: ${path} (${messageOf(error)})`, {
    next: 'Check that it is still there and that its permissions let you read it.',
    cause: error,
  });
}

export function notWritable(path: string, error: unknown): SluiceError {
  return new SluiceError('OUTPUT_NOT_WRITABLE', `output cannot be written: ${path} (${messageOf(error)})`, {
    next: 'Check the permissions and the free space there, then run the same command again.',
    cause: error,
  });
}
