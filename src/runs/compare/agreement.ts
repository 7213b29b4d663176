import { Exit, SluiceError } from '../../errors.ts';
import type { PreviewedRow } from '../preview.ts';
import { type Comparison, type Measure, mean, type RowValues } from './measure.ts';

/** A measure over all rows. */
export interface Measured {
  measure: Measure;
  /** Undefined: no row said anything of it. */
  value: number | undefined;
  /** The threshold that counts. */
  wanted: number;
  /** Whether the value is as good as wanted; what nobody said anything of is no reason to refuse. */
  ok: boolean;
}

/** One row as both backends answered it. */
export interface ComparedRow {
  one: PreviewedRow;
  other: PreviewedRow;
  /** For each measure of the agreement. */
  values: RowValues;
}

export interface Agreement {
  measures: Measured[];
  /** In the order of the source. */
  rows: ComparedRow[];
  /** Rows that both backends answered. */
  answered: number;
}

/** A row that only one backend can answer is lost by moving; a single one of a hundred may be chance. */
const answeredAlike: Measure = {
  name: 'answered or refused by both',
  over: 'mean',
  better: 'high',
  wanted: 0.99,
};

/** Values that are nearer to full agreement than this differ by how numbers are rounded. */
const NOISE = 1e-3;

/**
 * Holds the answers of two backends to the same rows against each other.
 * @param rows of one backend, in the order of the source, and of the other: the same rows in the same order
 * @param least how much every measure must reach in place of its own threshold, 0 to 1; a difference or an error rate
 *   may then be `1 - least`
 * @throws {SluiceError} SOURCE_CHANGED where they are other rows
 */
export async function agreementOf(
  comparison: Comparison,
  rows: readonly PreviewedRow[],
  others: readonly PreviewedRow[],
  least?: number,
): Promise<Agreement> {
  const measures = [answeredAlike, ...comparison.measures];
  if (rows.length !== others.length) throw sourceChanged();
  const compared: ComparedRow[] = [];
  for (const [i, one] of rows.entries()) {
    const other = others[i]!;
    if (other.file !== one.file || other.row !== one.row) throw sourceChanged();
    compared.push({ one, other, values: await valuesOf(comparison, one, other) });
  }
  return {
    measures: measures.map((measure, i) => {
      const values = compared.map(({ values }) => values[i]).filter((value) => value !== undefined);
      return measured(measure, values, least);
    }),
    rows: compared,
    answered: compared.filter(({ one, other }) => hasResult(one) && hasResult(other)).length,
  };
}

/** The rows that agree least, the worst first; none that differ only by how numbers are rounded. */
export function worstRows({ measures, rows }: Agreement, most: number): ComparedRow[] {
  const distances = (row: ComparedRow) => measures.map(({ measure }, i) => distance(measure, row.values[i]));
  return rows
    .map((row) => ({ row, away: distances(row) }))
    .filter(({ away }) => away.some((value) => value > NOISE))
    .sort((a, b) => firstDifference(b.away, a.away))
    .slice(0, most)
    .map(({ row }) => row);
}

async function valuesOf(comparison: Comparison, one: PreviewedRow, other: PreviewedRow): Promise<RowValues> {
  // What cannot be read or mapped is asked of nobody and tells nothing of backends.
  if (one.question === undefined && other.question === undefined) return [];
  if (one.outcome === undefined || other.outcome === undefined) return [];
  if ('result' in one.outcome && 'result' in other.outcome) {
    return [1, ...(await comparison.compare(one.outcome.result, other.outcome.result))];
  }
  return ['failure' in one.outcome && 'failure' in other.outcome ? 1 : 0];
}

function measured(measure: Measure, values: readonly number[], least: number | undefined): Measured {
  const { over, better } = measure;
  const value = over === 'mean' || values.length === 0 ? mean(values) : Math.min(...values);
  const wanted = least === undefined ? measure.wanted : better === 'high' ? least : 1 - least;
  return { measure, value, wanted, ok: value === undefined || isReached(value, wanted, better) };
}

/** `1 - 0.9` is a little less than 0.1, and a mean of hundredths a little more or less than itself. */
function isReached(value: number, wanted: number, better: Measure['better']): boolean {
  const away = better === 'high' ? wanted - value : value - wanted;
  return away <= 1e-9;
}

function hasResult({ outcome }: PreviewedRow): boolean {
  return outcome !== undefined && 'result' in outcome;
}

/** From full agreement, 0. */
function distance({ better }: Measure, value: number | undefined): number {
  if (value === undefined) return 0;
  return better === 'high' ? 1 - value : value;
}

function firstDifference(one: readonly number[], other: readonly number[]): number {
  const i = one.findIndex((value, at) => value !== other[at]);
  return i === -1 ? 0 : one[i]! - other[i]!;
}

function sourceChanged(): SluiceError {
  return new SluiceError('SOURCE_CHANGED', 'compare: the source was changed between the two backends', {
    next: 'run the same command again',
    exit: Exit.later,
  });
}
