import { RowRefused } from '../backend.ts';
import type { CallFailure, Question } from '../backend.ts';
import type { Answered } from './runner.ts';

/** A run that is still to do. */
interface Pending {
  rows: number[];
  /**
   * - `whole`   as it was planned
   * - `alone`   a single row of a run that killed two workers, to find out whether it is the guilty one
   * - `again`   that run once more, without the guilty rows
   */
  kind: 'whole' | 'alone' | 'again';
  /** Workers that died of it. */
  deaths: number;
}

/** Deaths of a worker at the same run after which the run is to blame and not chance. */
const deathsToBlame = 2;

/**
 * The rows of one call on their way through a worker: which runs are left, and what became of the others.
 *
 * A worker may die at any run, killed by a row or by chance (an operator, the kernel's out-of-memory killer). Answers of
 * runs that are done are kept. The run at which it died is done once more as it was; if a second worker dies of it, its
 * rows are asked alone, each twice at most, and those that kill are refused. The others are then run together again:
 * dynamically quantised models give a row other numbers in other company, and a worker that died by chance must not
 * change the output.
 */
export class Window {
  readonly questions: readonly Question[];
  readonly #answers: unknown[];
  #runs: Pending[] | undefined;
  /** Answers to rows asked alone, for when their run kills in any company. */
  readonly #alone = new Map<number, unknown>();
  #deathsBeforePlan = 0;
  /** A worker died while it answered this. */
  suspect = false;

  constructor(questions: readonly Question[]) {
    this.questions = questions;
    this.#answers = new Array(questions.length);
  }

  /** Runs that are left, for the next worker; undefined when no worker has planned them yet. */
  get plan(): number[][] | undefined {
    return this.#runs?.map(({ rows }) => rows);
  }

  get runsLeft(): number {
    return this.#runs?.length ?? Number.POSITIVE_INFINITY;
  }

  /** One for each question, when no run is left. */
  get answers(): readonly unknown[] {
    return this.#answers;
  }

  planned(plan: readonly number[][], refused: readonly (readonly [number, string])[]): void {
    this.#runs = plan.map((rows) => ({ rows, kind: 'whole', deaths: 0 }));
    for (const [row, why] of refused) this.#answers[row] = new RowRefused('rejected', why);
  }

  /** The answers of the first run that was left. */
  answered({ answers, refused }: Answered): void {
    const { rows, kind } = this.#next();
    const why = new Map(refused);
    for (const [i, row] of rows.entries()) {
      const answer = why.has(row) ? new RowRefused('rejected', why.get(row)!) : answers[i];
      if (kind === 'alone') this.#alone.set(row, answer);
      else this.#answers[row] = answer;
    }
    this.#runs?.shift();
    this.#skipEmpty();
  }

  /** The model threw at the first run that was left. It would again, so its rows are asked alone at once. */
  failed(message: string): void {
    const run = this.#next();
    if (run.rows.length > 1 && run.kind === 'whole') this.#split(run);
    else if (run.kind === 'again') this.#settleAlone(run);
    else this.#refuse(run, new RowRefused('rejected', message));
    this.#skipEmpty();
  }

  /**
   * The worker died, or was killed because it hung.
   * @returns why the whole call fails, where no run is to blame: it died before it had planned one
   */
  died(how: string): CallFailure | undefined {
    this.suspect = true;
    if (this.#runs === undefined) return this.#diedBeforePlan(how);
    const run = this.#next();
    if (run.kind === 'again') this.#settleAlone(run);
    else if (++run.deaths >= deathsToBlame) {
      if (run.rows.length > 1) this.#split(run);
      else this.#refuse(run, new RowRefused('crashed', killed(how)));
    }
    this.#skipEmpty();
    return undefined;
  }

  #diedBeforePlan(how: string): CallFailure | undefined {
    if (++this.#deathsBeforePlan < deathsToBlame) return undefined;
    if (this.questions.length > 1) return { class: 'rejected', kind: 'crashed', message: killed(how) };
    this.#runs = [];
    this.#answers[0] = new RowRefused('crashed', killed(how));
    return undefined;
  }

  #next(): Pending {
    const run = this.#runs?.[0];
    if (run === undefined) throw new Error('a worker answered a run that nobody asked for');
    return run;
  }

  #split(run: Pending): void {
    const alone = run.rows.map((row): Pending => ({ rows: [row], kind: 'alone', deaths: 0 }));
    this.#runs?.splice(0, 1, ...alone, { rows: [...run.rows], kind: 'again', deaths: 0 });
  }

  #refuse(run: Pending, refused: RowRefused): void {
    const [row] = run.rows as [number];
    this.#answers[row] = refused;
    this.#runs?.shift();
    if (run.kind !== 'alone') return;
    const again = this.#runs?.find(({ kind }) => kind === 'again');
    if (again !== undefined) again.rows = again.rows.filter((other) => other !== row);
  }

  #settleAlone(run: Pending): void {
    for (const row of run.rows) this.#answers[row] = this.#alone.get(row);
    this.#runs?.shift();
  }

  #skipEmpty(): void {
    while (this.#runs?.[0]?.rows.length === 0) this.#runs.shift();
  }
}

function killed(how: string): string {
  return `${how}, ${deathsToBlame} times at this row`;
}
