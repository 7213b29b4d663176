import type { Logger } from 'pino';
import { errorText } from '../runs/failure.ts';
import type { Layout } from '../runs/layout.ts';
import type { Ledger } from '../runs/ledger.ts';
import type { LockOwner } from '../runs/lock.ts';
import type { Outcome } from '../runs/outcome.ts';
import type { Report } from '../runs/report.ts';
import type { Reopened, RetrySelection } from '../runs/retry.ts';
import type { RunEvent } from '../runs/run.ts';
import { type Share, shareText } from '../runs/share.ts';
import type { Started } from '../runs/start.ts';
import { Exit } from '../errors.ts';
import type { LogFormat } from './log.ts';
import { table } from './table.ts';
import { count, duration, plural } from './words.ts';

/** One line for each kind of fault in this time; the rest is counted. */
const faultEveryMs = 10_000;

/** Turns what happens in a run into log lines: a line a shard, and never a storm of the same fault. */
export function eventLogger(log: Logger): (event: RunEvent) => void {
  const faults = new Map<string, { saidAt: number; unsaid: number }>();
  const sayFault = (key: string, fields: object, message: string) => {
    const now = performance.now();
    const fault = faults.get(key) ?? { saidAt: Number.NEGATIVE_INFINITY, unsaid: 0 };
    faults.set(key, fault);
    if (now - fault.saidAt < faultEveryMs) {
      fault.unsaid++;
      return;
    }
    const more = fault.unsaid === 0 ? '' : ` (and ${count(fault.unsaid)} like it since)`;
    log.warn({ ...fields, unsaid: fault.unsaid }, `${message}${more}`);
    Object.assign(fault, { saidAt: now, unsaid: 0 });
  };
  return (event) => {
    switch (event.type) {
      case 'request-failed': {
        const { kind, status, message } = event.failure;
        sayFault(
          `request ${kind} ${status ?? ''}`,
          { event: event.type, kind, status },
          `${kind}: ${message}`,
        );
        return;
      }
      case 'row-failed':
        sayFault(
          `row ${event.failure.stage} ${event.failure.kind}`,
          { event: event.type, file: event.file, row: event.row, kind: event.failure.kind },
          `row ${event.row} of ${event.file} failed: ${errorText(event.failure)}`,
        );
        return;
      case 'shard-started':
        if (event.recovered > 0 || event.tornBytes > 0) {
          const torn = event.tornBytes > 0 ? `; cut off ${event.tornBytes} torn bytes` : '';
          log.info(
            { ...event, event: event.type },
            `shard ${event.shard}: found ${plural(event.recovered, 'answer')} in its journal${torn}`,
          );
        }
        return;
      case 'shard-committed': {
        const { shard, part, succeeded, failed, filtered } = event.record;
        log.info(
          { event: event.type, shard, part, succeeded, failed, filtered },
          `${part}: ${plural(succeeded + failed, 'row')}${failed > 0 ? `, ${count(failed)} failed` : ''}`,
        );
      }
    }
  };
}

/** The lock was of a process that is gone. */
export function sayTakenOver({ pid, host }: LockOwner, log: Logger): void {
  log.warn({ event: 'lock-taken-over' }, `took over the lock of process ${pid} on ${host}, which is gone`);
}

/** What became of parts and source files since the last run. */
export function sayUpdate({ update, lostParts }: Started, prune: boolean, log: Logger): void {
  for (const part of lostParts)
    log.warn({ event: 'part-gone', part }, `${part} is gone: its rows are done again`);
  for (const path of update.changed)
    log.warn({ event: 'source-changed', path }, `${path} was changed: its rows are done again`);
  const kept = prune ? 'removed' : 'kept; --prune removes them';
  for (const path of update.vanished)
    log.warn({ event: 'source-vanished', path }, `${path} is gone: the parts made of it are ${kept}`);
}

/** One of several processes is done, others are not. */
export function sayShareDone(share: Share, elsewhere: number, log: Logger): void {
  log.info(
    { event: 'share-done', pending_elsewhere: elsewhere },
    `share ${shareText(share)} is done; ${plural(elsewhere, 'row')} of other shares are pending`,
  );
}

/** What a retry asks again, and what it cannot. */
export function sayReopened(reopened: Reopened, { kinds }: RetrySelection, log: Logger): void {
  const { rows, shards, gone } = reopened;
  for (const path of gone)
    log.warn({ event: 'source-vanished', path }, `${path} is gone: its failed rows cannot be asked again`);
  const unknown = [...(kinds ?? [])].filter((kind) => !reopened.kinds.includes(kind));
  if (unknown.length > 0) {
    const there = reopened.kinds.length === 0 ? 'there are none' : `there are ${reopened.kinds.join(', ')}`;
    log.warn(
      { event: 'no-such-failures', kinds: unknown },
      `no row of a committed part failed with ${unknown.join(' or ')}; ${there}`,
    );
  }
  log.info(
    { event: 'retry', rows, shards: shards.length },
    `${plural(rows, 'failed row')} of ${plural(shards.length, 'part')} are asked again`,
  );
}

/** The last words of a run: the ledger, why it ended, where the parts lie. */
export function sayEnd(
  report: Report,
  outcome: Outcome,
  layout: Layout,
  format: LogFormat,
  quiet: boolean,
  log: Logger,
): void {
  const { ledger } = report;
  if (format === 'json') {
    const fields = {
      event: 'run-ended',
      exit: outcome.exit,
      ...ledger,
      requests: report.requests,
      retries: report.retries,
      seconds: report.seconds,
    };
    const words = outcome.message ?? 'every shard is committed';
    if (outcome.exit === Exit.ok) log.info(fields, words);
    else log.error({ ...fields, next: outcome.next }, words);
    return;
  }
  if (!quiet) {
    const figures = [ledger.read, ledger.succeeded, ledger.failed, ledger.filtered, ledger.pending].map(
      count,
    );
    process.stderr.write(
      `\n${table(['rows read', 'succeeded', 'failed', 'filtered', 'pending'], [figures])}\n\n`,
    );
    const work =
      report.rows === 0 && outcome.exit === Exit.ok
        ? 'nothing was left to do'
        : `${plural(report.rows, 'row')} in ${duration(report.seconds * 1000)}, ${plural(report.requests, 'request')} (${count(report.retries)} repeated)`;
    process.stderr.write(`${work}; parts in ${layout.root}\n`);
    if (outcome.exit === Exit.ok) process.stderr.write(`  ${nextStep(ledger, layout)}\n`);
  }
  if (outcome.message !== undefined) {
    process.stderr.write(
      `sluice: ${outcome.message}\n${outcome.next === undefined ? '' : `  ${outcome.next}\n`}`,
    );
  }
}

function nextStep(ledger: Ledger, { root }: Layout): string {
  return ledger.failed > 0
    ? `\`sluice status ${root}\` shows the failed rows by kind`
    : `look at them: \`sluice inspect ${root}\``;
}
