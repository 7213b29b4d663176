import { localStorage } from '../storage/local.ts';
import type { Layout } from './layout.ts';
import type { Ledger } from './ledger.ts';
import type { Outcome } from './outcome.ts';
import type { RunStats } from './run.ts';
import type { Share } from './share.ts';

/** Version of `report.json`. */
export const reportVersion = 1;

/** `_sluice/report.json`: the last run, for scripts and for bug reports. */
export interface Report {
  version: number;
  job: string;
  sluice: string;
  node: string;
  started: string;
  seconds: number;
  exit: number;
  message: string | null;
  ledger: Ledger;
  /** Rows that this run brought to their answer or error, and that rate. */
  rows: number;
  rows_per_s: number;
  requests: number;
  /** Requests that repeated one that had failed. */
  retries: number;
  /** Requests by status, or by what happened where there was none. */
  outcomes: Record<string, number>;
  /** Peak resident memory of the process, bytes. */
  peak_rss: number;
}

export interface ReportRequest {
  job: string;
  version: string;
  started: Date;
  seconds: number;
  outcome: Outcome;
  stats: RunStats;
}

export function reportOf(request: ReportRequest): Report {
  const { stats, outcome, seconds } = request;
  const rows = stats.succeeded + stats.failed;
  return {
    version: reportVersion,
    job: request.job,
    sluice: request.version,
    node: process.version,
    started: request.started.toISOString(),
    seconds: Math.round(seconds * 1000) / 1000,
    exit: outcome.exit,
    message: outcome.message ?? null,
    ledger: stats.ledger,
    rows,
    rows_per_s: Math.round((rows / Math.max(seconds, 0.001)) * 10) / 10,
    requests: stats.requests,
    retries: stats.retries,
    outcomes: stats.outcomes,
    // Linux and macOS report ru_maxrss in KiB through Node.
    peak_rss: process.resourceUsage().maxRSS * 1024,
  };
}

/** @param share what the process did of a job that several share: the ledger is that of the share */
export async function writeReport(layout: Layout, share: Share | undefined, report: Report): Promise<void> {
  await localStorage.writeAtomic(layout.report(share), `${JSON.stringify(report, null, 2)}\n`);
}
