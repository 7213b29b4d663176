import type { Mark } from '../sources/format.ts';
import { canonical, type Fingerprint, shortHash } from './fingerprint.ts';
import type { ModelFile } from './model-files.ts';

/** Version of `plan.json`; a reader refuses any other. */
export const planVersion = 1;

/** A source file as it was when the plan was made. */
export interface PlannedFile {
  path: string;
  size: number;
  /** Modification time, milliseconds since 1970. */
  modifiedMs: number;
  rows: number;
  /** Partition folders of the path, `dt=2026-11-01`; kept in the output. */
  folders: string[];
  /** Of a folder whose files are the rows: their names in order, and what tells these rows from others. */
  members?: string[];
  version?: string;
}

/** A range of consecutive rows of one file: the unit of commit. */
export interface Shard {
  /** Number of the part; unique in the plan, never used again for other rows. */
  id: number;
  /** Index into `files`. */
  file: number;
  /** First row in the file, from 0. */
  start: number;
  /** Rows of the range. */
  rows: number;
  /** Rows of the range that the job reads; fewer than `rows` only with `source.sample`. */
  selected: number;
  mark?: Mark;
}

export interface Plan {
  version: number;
  /** When the plan was first made, ISO. */
  created: string;
  job: { name: string; fingerprint: Fingerprint };
  /** Files of a model on this machine. */
  model?: ModelFile[];
  files: PlannedFile[];
  shards: Shard[];
  /** Set with `source.sample`: the sample is drawn from this many rows. */
  sampledFrom?: number;
  /** Lengths of vectors that only the first answer told, by result column. */
  dimensions: Record<string, number>;
}

/**
 * `count` rows of `total`, spread evenly, the same ones every time: row g is chosen when the line from (0, 0) to
 * (total, count) crosses a whole number between g and g + 1.
 */
export function sampledBefore(row: number, total: number, count: number): number {
  return Number((BigInt(row) * BigInt(Math.min(count, total))) / BigInt(total));
}

/** How many rows of the source hold the first `limit` of those that are chosen. */
export function rowsUpTo(limit: number, total: number, count: number): number {
  const n = BigInt(Math.min(count, total));
  return Number((BigInt(limit) * BigInt(total) + n - 1n) / n);
}

/** The same choice as a SQL condition over `__row`, for a file whose first row is row `offset` of the source. */
export function sampleCondition(offset: number, total: number, count: number): string {
  const n = Math.min(count, total);
  const crossed = (row: string) => `((${row})::HUGEINT * ${n}) // ${total}`;
  return `${crossed(`__row + ${offset + 1}`)} > ${crossed(`__row + ${offset}`)}`;
}

export interface ShardingRequest {
  file: number;
  rows: number;
  /** Rows of all files before this one. */
  offset: number;
  /** First row to cut; the rows before it have shards already. */
  from: number;
  marks: readonly Mark[];
  rowsPerPart: number;
  limit?: number;
  sample?: { total: number; count: number };
}

/** Cuts one file into shards; `id` is filled in by the caller. */
export function shardsOf(request: ShardingRequest): Omit<Shard, 'id'>[] {
  const { file, offset, from, marks, rowsPerPart, sample } = request;
  const rows = Math.max(0, Math.min(request.rows, (request.limit ?? Number.POSITIVE_INFINITY) - offset));
  const chosen = (start: number, end: number) =>
    sample === undefined
      ? end - start
      : sampledBefore(offset + end, sample.total, sample.count) -
        sampledBefore(offset + start, sample.total, sample.count);
  // A sample thins the rows out; the shards grow by as much, so that parts keep their size.
  const thinning = sample === undefined ? 1 : Math.max(1, Math.floor(sample.total / sample.count));
  const step = rowsPerPart * thinning;
  const shards: Omit<Shard, 'id'>[] = [];
  for (let start = from; start < rows; start += step) {
    const end = Math.min(start + step, rows);
    const selected = chosen(start, end);
    if (selected === 0) continue;
    const mark = lastMark(marks, start);
    shards.push({ file, start, rows: end - start, selected, ...(mark === undefined ? {} : { mark }) });
  }
  return shards;
}

function lastMark(marks: readonly Mark[], row: number): Mark | undefined {
  let [low, high] = [0, marks.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (marks[middle]!.row <= row) low = middle + 1;
    else high = middle;
  }
  return marks[low - 1];
}

/**
 * Stands for a question where an answer is taken from a committed part, which does not hold what was asked: the answer
 * is the row's for as long as its source file is the one that was committed.
 */
export function committedHash(file: PlannedFile, { start, rows }: Pick<Shard, 'start' | 'rows'>): string {
  const { path, size, modifiedMs, version } = file;
  return shortHash(`committed ${canonical([path, size, modifiedMs, version ?? null, start, rows])}`);
}

/** Rows that the plan covers. */
export function plannedRows(plan: Plan): number {
  return plan.shards.reduce((sum, shard) => sum + shard.selected, 0);
}
