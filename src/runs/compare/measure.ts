import type { ResultRow } from '../../tasks/task.ts';

/** One number that says how much two sets of answers agree. */
export interface Measure {
  /** As the table names it. */
  name: string;
  /** How the values of the rows become one: their mean, or the least of them. */
  over: 'mean' | 'least';
  /** `high`: 1 is full agreement. `low`: 0 is, as of a difference or an error rate. */
  better: 'high' | 'low';
  /** The threshold where the user names none: the least good value that is still good enough to move a job. */
  wanted: number;
}

/** A value for each measure, in order; undefined where the row says nothing of it. */
export type RowValues = readonly (number | undefined)[];

/** How the answers of two backends to one row are held against each other. Neither of them is taken for the truth. */
export interface Comparison {
  /** The result columns that are looked at, which are also those that a person wants to see of a row. */
  columns: readonly string[];
  /** The first one leads: rows are put in its order. */
  measures: readonly Measure[];
  /**
   * Symmetric; of equal rows every value is full agreement.
   * @throws {SluiceError} where the answers need a package to be looked at, which is not there
   */
  compare(one: ResultRow, other: ResultRow): RowValues | Promise<RowValues>;
}

/** What is in both of two lists, as a share of both: F1, which is 1 also where both are empty. */
export function sharedShare(shared: number, one: number, other: number): number {
  return one + other === 0 ? 1 : (2 * shared) / (one + other);
}

/** How many items two lists have in common, each of them counted once. */
export function countShared(one: readonly string[], other: readonly string[]): number {
  const left = new Map<string, number>();
  for (const item of other) left.set(item, (left.get(item) ?? 0) + 1);
  return one.filter((item) => {
    const times = left.get(item) ?? 0;
    left.set(item, times - 1);
    return times > 0;
  }).length;
}

/** The mean; undefined of no numbers. */
export function mean(values: readonly number[]): number | undefined {
  return values.length === 0 ? undefined : values.reduce((sum, value) => sum + value, 0) / values.length;
}
