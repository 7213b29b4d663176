import { Exit, type ExitCode, messageOf, SluiceError } from '../errors.ts';
import { errorText } from './failure.ts';
import type { Ledger } from './ledger.ts';
import type { RunEnding } from './run.ts';

/** How a run ended, in words and as an exit code. */
export interface Outcome {
  exit: ExitCode;
  /** One sentence; undefined where all went well. */
  message?: string;
  /** The next step. */
  next?: string;
}

/**
 * @param ledger what is on the disk now
 * @param allowed failed rows that `errors.max_failed_rows` allows
 */
export function outcomeOf(ending: RunEnding, ledger: Ledger, allowed: number): Outcome {
  const again = 'run the same command again: it goes on where this run ended';
  switch (ending.kind) {
    case 'done':
      if (ledger.failed > allowed) return tooMany(ledger.failed, allowed);
      if (ledger.pending === 0) return { exit: Exit.ok };
      // Every row was settled, and yet a shard is not committed.
      return { exit: Exit.bug, message: `${ledger.pending} rows are pending although all were answered` };
    case 'shards-left':
      return {
        exit: Exit.later,
        message: `other shards are not done: ${ending.shards}`,
        next: '`sluice run` goes on with them',
      };
    case 'too-many-failures':
      return tooMany(ending.failed, ending.allowed);
    case 'row-failed':
      return {
        exit: Exit.tooManyFailures,
        message: `${ending.file} row ${ending.row} failed: ${errorText(ending.failure)}`,
        next: 'errors.on_row_error is `fail`: mend the row, or set it to `keep` or `drop`',
      };
    case 'fatal': {
      const { message, next } = ending.failure;
      return {
        exit: Exit.refused,
        message: `the server refused for good: ${message}`,
        next: next ?? `mend it and ${again}`,
      };
    }
    case 'gave-up':
      return {
        exit: Exit.later,
        message: `no good answer for ${Math.round(ending.afterMs / 1000)} s: ${ending.failure.message}`,
        next: ending.failure.next === undefined ? again : `${ending.failure.next}; then ${again}`,
      };
    case 'budget':
      return { exit: Exit.later, message: `limits.${ending.which} is reached`, next: again };
    case 'stopped':
      return { exit: Exit.interrupted, message: 'interrupted; what was in flight is journaled', next: again };
    case 'error':
      if (!(ending.error instanceof SluiceError)) throw ending.error;
      return {
        exit: ending.error.exit,
        message: messageOf(ending.error),
        ...(ending.error.next === undefined ? {} : { next: ending.error.next }),
      };
  }
}

function tooMany(failed: number, allowed: number): Outcome {
  return {
    exit: Exit.tooManyFailures,
    message: `${failed} rows failed, errors.max_failed_rows allows ${allowed}`,
    next: '`sluice status` shows them by kind; mend the cause or allow more',
  };
}
