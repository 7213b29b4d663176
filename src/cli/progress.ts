import type { Logger } from 'pino';
import type { RunStats } from '../runs/run.ts';
import { count, duration } from './words.ts';

/** How often the live bar is drawn, how often a line is logged where there is none, and when silence is called a stall. */
const drawMs = 200;
const lineMs = 30_000;
const stallMs = 30_000;

/**
 * Says how a run is going, on stderr: a live bar on a terminal, elsewhere one line every 30 s. A stall says so by
 * itself, because a bar that does not move cannot tell a hung run from a slow one.
 */
export class Progress {
  readonly #stats: () => RunStats;
  readonly #log: Logger;
  readonly #live: boolean;
  readonly #started = performance.now();
  readonly #timers: NodeJS.Timeout[] = [];
  /** Rows answered and when, some seconds ago: the rate is that of the last while, not of the whole run. */
  readonly #history: { at: number; rows: number }[] = [];
  #saidStallAt = 0;
  #stopping = false;

  constructor(stats: () => RunStats, log: Logger, live: boolean) {
    this.#stats = stats;
    this.#log = log;
    this.#live = live;
  }

  start(): void {
    if (this.#live) this.#timers.push(setInterval(() => this.#draw(), drawMs));
    else this.#timers.push(setInterval(() => this.#line(), lineMs));
    this.#timers.push(setInterval(() => this.#checkStall(), 5_000));
  }

  /** From now on what is in flight is awaited, and nothing else. */
  stopping(): void {
    this.#stopping = true;
  }

  stop(): void {
    for (const timer of this.#timers) clearInterval(timer);
    if (this.#live) process.stderr.write(clearLine);
  }

  #draw(): void {
    const width = (process.stderr.columns ?? 100) - 1;
    const text = lineOf(this.#parts(this.#stats()), width);
    // What is there is written over, and only its rest cleared: a line that is cleared first flickers.
    process.stderr.write(`\r${text}\x1b[K`);
  }

  #line(): void {
    const stats = this.#stats();
    this.#log.info(
      { event: 'progress', ...figures(stats), rows_per_s: Math.round(this.#rate(done(stats))) },
      lineOf(this.#parts(stats).slice(1), 1000),
    );
  }

  /** What is told, the most important first; `lineOf` leaves out what has no room. */
  #parts(stats: RunStats): Part[] {
    const [rows, total] = [done(stats), stats.ledger.read];
    const share = total === 0 ? 1 : rows / total;
    const rate = this.#rate(rows);
    const parts: Part[] = [
      { rank: 4, text: bar(share) },
      { rank: 0, text: `${Math.floor(100 * share)} %` },
      { rank: 2, text: `${count(rows)}/${count(total)} rows` },
      { rank: 3, text: `${count(rate)}/s` },
      { rank: 1, text: `in flight ${stats.inFlight}/${stats.limit}` },
    ];
    if (stats.retries > 0)
      parts.push({ rank: 5, text: stats.retries === 1 ? '1 retry' : `${count(stats.retries)} retries` });
    if (stats.failed > 0) parts.push({ rank: 1, text: `${count(stats.failed)} failed` });
    if (this.#stopping) parts.push({ rank: 0, text: 'stopping; Ctrl-C again leaves at once' });
    else if (stats.held !== undefined) parts.push({ rank: 0, text: held[stats.held] });
    else if (rows < total && rate > 0)
      parts.push({ rank: 1, text: `${duration(((total - rows) / rate) * 1000)} left` });
    return parts;
  }

  /** Rows a second over the last ten seconds. */
  #rate(rows: number): number {
    const now = performance.now();
    this.#history.push({ at: now, rows });
    while (this.#history.length > 2 && now - this.#history[0]!.at > 10_000) this.#history.shift();
    const oldest = this.#history[0]!;
    const seconds = (now - (this.#history.length > 1 ? oldest.at : this.#started)) / 1000;
    return seconds > 0 ? Math.max(0, rows - (this.#history.length > 1 ? oldest.rows : 0)) / seconds : 0;
  }

  #checkStall(): void {
    const stats = this.#stats();
    const silent = stats.sinceAnswerMs;
    if (silent < stallMs || performance.now() - this.#saidStallAt < stallMs) return;
    this.#saidStallAt = performance.now();
    const seconds = Math.round(silent / 1000);
    const status = stats.lastStatus === undefined ? '' : `; last status ${stats.lastStatus}`;
    this.#log.warn(
      { event: 'stall', seconds, in_flight: stats.inFlight, last_status: stats.lastStatus },
      `no answer for ${seconds} s; ${stats.inFlight} in flight${status}`,
    );
  }
}

/** A piece of the progress line; those of the highest rank go first where there is no room. */
interface Part {
  rank: number;
  text: string;
}

/** Why nothing is sent. */
const held = {
  loading: 'waiting: the model is loading',
  down: 'waiting: the endpoint is down',
  paused: 'waiting: the server asked for a pause',
} as const;

/** Takes the bar off the screen, so that something else can be printed there. */
export const clearLine = '\r\x1b[K';

function lineOf(parts: readonly Part[], width: number): string {
  let kept = [...parts];
  const line = () => kept.map(({ text }) => text).join('  ');
  while (line().length > width && kept.length > 1) {
    const least = Math.max(...kept.map(({ rank }) => rank));
    const last = kept.findLastIndex(({ rank }) => rank === least);
    kept = kept.filter((_, i) => i !== last);
  }
  return line().slice(0, width);
}

/** Rows that are answered, in a part or in a journal. */
function done(stats: RunStats): number {
  return stats.ledger.read - stats.ledger.pending + stats.answered;
}

function figures(stats: RunStats): Record<string, number> {
  return {
    rows: done(stats),
    total: stats.ledger.read,
    in_flight: stats.inFlight,
    limit: stats.limit,
    retries: stats.retries,
  };
}

function bar(share: number): string {
  const width = 20;
  const full = Math.round(Math.min(1, share) * width);
  return '█'.repeat(full) + '░'.repeat(width - full);
}
