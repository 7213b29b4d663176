import { closeSync, openSync } from 'node:fs';
import { devNull } from 'node:os';
import { isatty } from 'node:tty';
import { Exit, messageOf, SluiceError } from '../errors.ts';
import { fail } from './fail.ts';

/**
 * What happens when nobody reads on. `sluice tasks | head -1` has got what it wanted; a disk that is full under
 * `sluice schema > file` has not. A run goes on without whoever read its log: its rows are paid for.
 */
export function watchOutput(): void {
  const terminals = [0, 1, 2].filter((fd) => isatty(fd));
  process.on('exit', () => {
    // One that was closed is none any more. Node wants to set it back to what it was as it exits, and aborts when that
    // fails; what is no longer the same file it leaves alone.
    for (const fd of terminals.filter((terminal) => !isatty(terminal))) {
      closeSync(fd);
      openSync(devNull, 'r+');
    }
  });
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') {
      const next = 'Make room, or write elsewhere.';
      fail(
        new SluiceError('OUTPUT_WRITE', `standard output cannot be written: ${messageOf(error)}`, { next }),
      );
    }
    process.exit(process.exitCode ?? Exit.ok);
  });
  process.stderr.on('error', (error: NodeJS.ErrnoException) => {
    // EIO: the terminal was closed.
    if (error.code !== 'EPIPE' && error.code !== 'EIO') throw error;
  });
}
