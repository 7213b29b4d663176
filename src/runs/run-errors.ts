import { Exit, messageOf, SluiceError } from '../errors.ts';
import type { Layout } from './layout.ts';

/** What the disk said, in words for a person; the journal is intact up to its last sound frame. */
export function diskError(error: unknown, layout: Layout): unknown {
  const code = (error as NodeJS.ErrnoException).code;
  if (error instanceof SluiceError || code === undefined) return error;
  return new SluiceError('OUTPUT_WRITE', `output ${layout.root}: cannot be written: ${messageOf(error)}`, {
    next: 'make room or mend the output, and run the same command again: what was answered is journaled',
    cause: error,
  });
}

/** A commit would put answers to the old rows beside columns of the new ones. */
export function sourceChanged(path: string): SluiceError {
  return new SluiceError('SOURCE_CHANGED', `source ${path}: was changed while the run was reading it`, {
    next: 'run the same command again: its rows are done again',
    exit: Exit.later,
  });
}
