import {
  BIGINT,
  BOOLEAN,
  DATE,
  DOUBLE,
  type DuckDBType,
  SQLNULL,
  TIME,
  TIMESTAMP,
  TIMESTAMPTZ,
  VARCHAR,
} from '@duckdb/node-api';
import type { Engine } from '../duckdb/engine.ts';
import { quoteFile, quoteLiteral } from '../duckdb/quote.ts';
import { uniqueNames } from '../duckdb/types.ts';
import { sqlType } from './types.ts';

/** A column of a CSV file: its type, and how the text of a field becomes a value of it. */
export interface CsvColumn {
  name: string;
  type: DuckDBType;
  /** For dates and times that are not written as ISO 8601 has them: DuckDB's `strptime` format. */
  format: string | undefined;
}

/** Header, column names and types that DuckDB's sniffer finds in sound records of a known dialect. */
export interface Sniffed {
  hasHeader: boolean;
  columns: CsvColumn[];
}

/**
 * Asks DuckDB's sniffer for what is in a file of sound records.
 * @param options its options for the dialect, as SQL
 * @param width how many columns there are; undefined is given where the sniffer finds another number, or nothing
 */
export async function sniff(
  engine: Engine,
  path: string,
  options: string,
  width: number,
): Promise<Sniffed | undefined> {
  const sql = `SELECT HasHeader AS has_header, Columns AS columns, DateFormat AS dates, TimestampFormat AS times
    FROM sniff_csv(${quoteFile(path)}, ${options}, sample_size = -1, ignore_errors = true)`;
  let rows: Record<string, unknown>[];
  try {
    rows = await engine.rows(sql);
  } catch {
    // It found no types and no header. The caller then reads everything as text.
    return undefined;
  }
  const found = rows[0]?.columns as { name: string; type: string }[] | undefined;
  if (found?.length !== width) return undefined;
  const formats: Record<string, unknown> = { DATE: rows[0]?.dates, TIMESTAMP: rows[0]?.times };
  const names = uniqueNames(found.map(({ name }) => name));
  const columns = found.map(({ type }, i) => ({
    name: names[i]!,
    type: TYPES[type] ?? VARCHAR,
    format: oddFormat(formats[type]),
  }));
  return { hasHeader: rows[0]?.has_header === true, columns };
}

const TYPES: Record<string, DuckDBType> = {
  BOOLEAN,
  BIGINT,
  DOUBLE,
  DATE,
  TIME,
  TIMESTAMP,
  'TIMESTAMP WITH TIME ZONE': TIMESTAMPTZ,
};

/** SQL that makes a value of the text of a field, or null where it is none. */
export function fieldValue(field: string, { type, format }: Pick<CsvColumn, 'type' | 'format'>): string {
  if (type === VARCHAR || type === SQLNULL) return field;
  const value = format === undefined ? field : `try_strptime(${field}, ${quoteLiteral(format)})`;
  return `TRY_CAST(${value} AS ${sqlType(type)})`;
}

/** The types to try, in this order, where some values turn out not to be of the type that the sample had. */
export function widerTypes(type: DuckDBType): DuckDBType[] {
  if (type === BIGINT) return [DOUBLE, VARCHAR];
  if (type === DATE) return [TIMESTAMP, VARCHAR];
  if (type === TIMESTAMP) return [TIMESTAMPTZ, VARCHAR];
  return [VARCHAR];
}

/** A format that a plain cast does not understand. */
function oddFormat(format: unknown): string | undefined {
  return typeof format === 'string' && format !== '' && !format.startsWith('%Y-%m-%d') ? format : undefined;
}
