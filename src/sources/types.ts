import {
  ARRAY,
  DuckDBArrayType,
  DuckDBDecimalType,
  DuckDBListType,
  DuckDBMapType,
  DuckDBStructType,
  type DuckDBType,
  DuckDBTypeId,
  DuckDBVarCharType,
  LIST,
  MAP,
  VARCHAR,
} from '@duckdb/node-api';
import { quoteIdentifier } from '../duckdb/quote.ts';

/** DuckDB's JSON: text that is written to JSONL as the value that it is. */
export const JSON_TEXT = DuckDBVarCharType.create('JSON');

export function isJson(type: DuckDBType): boolean {
  return type.typeId === DuckDBTypeId.VARCHAR && type.alias === 'JSON';
}

/** A type as SQL. The library's own words for it drop JSON, and have no SQL for the type of NULL. */
export function sqlType(type: DuckDBType): string {
  if (isJson(type)) return 'JSON';
  if (type.typeId === DuckDBTypeId.SQLNULL) return '"NULL"';
  if (type instanceof DuckDBListType) return `${sqlType(type.valueType)}[]`;
  if (type instanceof DuckDBArrayType) return `${sqlType(type.valueType)}[${type.length}]`;
  if (type instanceof DuckDBMapType) return `MAP(${sqlType(type.keyType)}, ${sqlType(type.valueType)})`;
  if (type instanceof DuckDBStructType) {
    const entries = type.entryTypes.map((t, i) => `${quoteIdentifier(type.entryNames[i]!)} ${sqlType(t)}`);
    return `STRUCT(${entries.join(', ')})`;
  }
  return String(type);
}

export function sameType(a: DuckDBType, b: DuckDBType): boolean {
  return a === b || sqlType(a) === sqlType(b);
}

/** The type with VARCHAR wherever only nulls were seen. */
export function settled(type: DuckDBType): DuckDBType {
  if (type.typeId === DuckDBTypeId.SQLNULL) return VARCHAR;
  if (type instanceof DuckDBListType) return LIST(settled(type.valueType));
  if (type instanceof DuckDBArrayType) return ARRAY(settled(type.valueType), type.length);
  if (type instanceof DuckDBMapType) return MAP(settled(type.keyType), settled(type.valueType));
  if (type instanceof DuckDBStructType) {
    return new DuckDBStructType(type.entryNames, type.entryTypes.map(settled));
  }
  return type;
}

/** Decides the common type of two numbers, or of two times; DuckDB does it. */
export type WidenWithin = (a: DuckDBType, b: DuckDBType) => Promise<DuckDBType>;

/**
 * The type that holds the values of both, or undefined where there is none. Scalars of different kinds become text;
 * DuckDB's own rule would make a DATE of an INTEGER and a DATE, and fail in the middle of a run.
 */
export async function widened(
  a: DuckDBType,
  b: DuckDBType,
  within: WidenWithin,
): Promise<DuckDBType | undefined> {
  if (sameType(a, b)) return a;
  if (a.typeId === DuckDBTypeId.SQLNULL) return b;
  if (b.typeId === DuckDBTypeId.SQLNULL) return a;
  if (a instanceof DuckDBStructType && b instanceof DuckDBStructType) return widenedStruct(a, b, within);
  if (isListLike(a) && isListLike(b)) {
    const item = await widened(a.valueType, b.valueType, within);
    return item && LIST(item);
  }
  if (a instanceof DuckDBMapType && b instanceof DuckDBMapType) {
    const key = await widened(a.keyType, b.keyType, within);
    const value = await widened(a.valueType, b.valueType, within);
    return key && value && MAP(key, value);
  }
  const kinds = new Set([kindOf(a), kindOf(b)]);
  if (kinds.has('json') && !kinds.has('bytes')) return kinds.has('text') ? VARCHAR : JSON_TEXT;
  if (kinds.has('nested') || kinds.has('bytes')) return undefined;
  if (kinds.size === 1 && !kinds.has('other')) return within(a, b);
  return VARCHAR;
}

async function widenedStruct(
  a: DuckDBStructType,
  b: DuckDBStructType,
  within: WidenWithin,
): Promise<DuckDBType | undefined> {
  const names = [...a.entryNames];
  const types = [...a.entryTypes];
  for (const [i, name] of b.entryNames.entries()) {
    const at = names.findIndex((other) => other.toLowerCase() === name.toLowerCase());
    if (at < 0) {
      names.push(name);
      types.push(b.entryTypes[i]!);
      continue;
    }
    const type = await widened(types[at]!, b.entryTypes[i]!, within);
    if (!type) return undefined;
    types[at] = type;
  }
  return new DuckDBStructType(names, types);
}

function isListLike(type: DuckDBType): type is DuckDBListType | DuckDBArrayType {
  return type instanceof DuckDBListType || type instanceof DuckDBArrayType;
}

type Kind = 'number' | 'time' | 'text' | 'json' | 'bytes' | 'nested' | 'other';

const KINDS: Partial<Record<DuckDBTypeId, Kind>> = {
  [DuckDBTypeId.TINYINT]: 'number',
  [DuckDBTypeId.SMALLINT]: 'number',
  [DuckDBTypeId.INTEGER]: 'number',
  [DuckDBTypeId.BIGINT]: 'number',
  [DuckDBTypeId.HUGEINT]: 'number',
  [DuckDBTypeId.UTINYINT]: 'number',
  [DuckDBTypeId.USMALLINT]: 'number',
  [DuckDBTypeId.UINTEGER]: 'number',
  [DuckDBTypeId.UBIGINT]: 'number',
  [DuckDBTypeId.UHUGEINT]: 'number',
  [DuckDBTypeId.FLOAT]: 'number',
  [DuckDBTypeId.DOUBLE]: 'number',
  [DuckDBTypeId.DATE]: 'time',
  [DuckDBTypeId.TIMESTAMP]: 'time',
  [DuckDBTypeId.TIMESTAMP_S]: 'time',
  [DuckDBTypeId.TIMESTAMP_MS]: 'time',
  [DuckDBTypeId.TIMESTAMP_NS]: 'time',
  [DuckDBTypeId.TIMESTAMP_TZ]: 'time',
  [DuckDBTypeId.VARCHAR]: 'text',
  [DuckDBTypeId.BLOB]: 'bytes',
  [DuckDBTypeId.STRUCT]: 'nested',
  [DuckDBTypeId.LIST]: 'nested',
  [DuckDBTypeId.ARRAY]: 'nested',
  [DuckDBTypeId.MAP]: 'nested',
  [DuckDBTypeId.UNION]: 'nested',
};

function kindOf(type: DuckDBType): Kind {
  if (isJson(type)) return 'json';
  if (type instanceof DuckDBDecimalType) return 'number';
  return KINDS[type.typeId] ?? 'other';
}
