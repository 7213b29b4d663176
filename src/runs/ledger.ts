import type { Job } from '../spec/job.ts';
import { Exit, SluiceError } from '../errors.ts';

/**
 * Where every row is. `read = succeeded + failed + filtered + pending`, always; a difference is a bug.
 */
export interface Ledger {
  /** Rows of the source that the plan covers. */
  read: number;
  succeeded: number;
  failed: number;
  /** Rows that `source.where` refused; never sent. */
  filtered: number;
  /** Rows of shards that are not committed, answered already or not. */
  pending: number;
}

export const emptyLedger = (): Ledger => ({ read: 0, succeeded: 0, failed: 0, filtered: 0, pending: 0 });

/** @throws {SluiceError} LEDGER_UNBALANCED, exit 1 */
export function assertBalanced(ledger: Ledger, where: string): void {
  const { read, succeeded, failed, filtered, pending } = ledger;
  if (read === succeeded + failed + filtered + pending) return;
  throw new SluiceError(
    'LEDGER_UNBALANCED',
    `ledger of ${where}: ${read} rows read, but ${succeeded} succeeded + ${failed} failed + ${filtered} filtered + ` +
      `${pending} pending = ${succeeded + failed + filtered + pending}`,
    { next: 'this is a bug: please report it with _sluice/report.json', exit: Exit.bug },
  );
}

/** The failed rows that `errors.max_failed_rows` allows, as a number. A share is of all rows of the plan. */
export function allowedFailures(job: Job, read: number): number {
  const { maxFailedRows } = job.errors;
  return 'rows' in maxFailedRows ? maxFailedRows.rows : Math.floor(maxFailedRows.share * read);
}
