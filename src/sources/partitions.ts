import { BIGINT, DATE, type DuckDBType, VARCHAR } from '@duckdb/node-api';
import type { PartitionValue, SourceFile } from './format.ts';

/** How Hive names the folder of null. */
const HIVE_NULL = '__HIVE_DEFAULT_PARTITION__';

const MIN_BIGINT = -(2n ** 63n);
const MAX_BIGINT = 2n ** 63n - 1n;

/** The `name=value` folders of a path, outermost first; of two with one name the inner counts. */
export function partitionsOf(path: string): { name: string; value: PartitionValue }[] {
  const found = new Map<string, { name: string; value: PartitionValue }>();
  for (const folder of path.split('/').slice(0, -1)) {
    const equals = folder.indexOf('=');
    if (equals <= 0) continue;
    const name = decoded(folder.slice(0, equals));
    const value = decoded(folder.slice(equals + 1));
    found.set(name.toLowerCase(), { name, value: value === HIVE_NULL ? null : value });
  }
  return [...found.values()];
}

/** The partition columns of all files: BIGINT or DATE where every value is one, else VARCHAR. */
export function partitionColumns(files: readonly SourceFile[]): { name: string; type: DuckDBType }[] {
  const columns = new Map<string, { name: string; values: Set<string> }>();
  for (const { name, value } of files.flatMap((file) => file.partitions)) {
    const column = columns.get(name.toLowerCase()) ?? { name, values: new Set() };
    if (value !== null) column.values.add(value);
    columns.set(name.toLowerCase(), column);
  }
  return [...columns.values()].map(({ name, values }) => ({ name, type: typeOf([...values]) }));
}

function typeOf(values: string[]): DuckDBType {
  if (values.length === 0) return VARCHAR;
  if (values.every(isBigint)) return BIGINT;
  return values.every(isDate) ? DATE : VARCHAR;
}

function isBigint(text: string): boolean {
  if (!/^-?\d{1,19}$/.test(text)) return false;
  const value = BigInt(text);
  return value >= MIN_BIGINT && value <= MAX_BIGINT;
}

function isDate(text: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return false;
  const date = new Date(`${text}T00:00:00Z`);
  // A day that does not exist, such as 30 February, rolls over or is no date at all.
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text);
}

/** Percent signs that stand for no character are text. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
