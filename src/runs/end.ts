import { Exit } from '../errors.ts';
import type { Job } from '../spec/job.ts';
import { underGuard } from './claim.ts';
import type { Layout } from './layout.ts';
import { type Outcome, outcomeOf } from './outcome.ts';
import { allowedFailures } from './ledger.ts';
import type { Share } from './share.ts';
import { finish } from './start.ts';
import { ledgerOf, readState } from './state.ts';

/** How a run ended for the job as a whole. */
export interface Ended {
  outcome: Outcome;
  /** Rows of other shares that are not committed yet. */
  elsewhere: number;
}

/**
 * The last step of a run that went well: `_SUCCESS`, when every shard is committed. Of several shares the one that
 * finds nothing pending any more writes it; the guard makes sure that one of them does.
 * @param confirm throws RUN_LOCKED when the output is somebody else's by now
 */
export async function endRun(
  job: Job,
  layout: Layout,
  share: Share | undefined,
  outcome: Outcome,
  confirm: () => Promise<void>,
): Promise<Ended> {
  if (outcome.exit !== Exit.ok) return { outcome, elsewhere: 0 };
  await confirm();
  if (share === undefined) {
    await finish(layout);
    return { outcome, elsewhere: 0 };
  }
  return underGuard(layout, async () => {
    const ledger = ledgerOf(await readState(layout));
    if (ledger.pending > 0) return { outcome, elsewhere: ledger.pending };
    // `errors.max_failed_rows` is about all rows of the job.
    const whole = outcomeOf({ kind: 'done' }, ledger, allowedFailures(job, ledger.read));
    if (whole.exit === Exit.ok) await finish(layout);
    return { outcome: whole, elsewhere: 0 };
  });
}
