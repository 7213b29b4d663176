import {
  DuckDBArrayType,
  DuckDBDecimalType,
  DuckDBListType,
  DuckDBMapType,
  DuckDBStructType,
  type DuckDBType,
  DuckDBTypeId,
} from '@duckdb/node-api';
import { DataType, type Field } from 'apache-arrow';
import { quoteLiteral } from '../duckdb/quote.ts';

/**
 * A SQL expression whose value DuckDB's JSON writer prints the way sluice promises, for a value of this type:
 *
 * | value | JSON |
 * |---|---|
 * | binary | base64 text |
 * | float, double | number, as short as it can be read back; null for NaN and the infinities, which JSON lacks |
 * | timestamp | `2026-11-24T01:02:03.5`; with a time zone `2026-11-24T01:02:03.5+00:00` |
 * | integers of any size, decimals | numbers with all their digits; DECIMAL(38, 38), which cannot be widened, as text |
 * | date, time, interval, UUID and what else has no JSON type | text |
 * | list, struct, map | array, object, object; absent values are null, never left out |
 *
 * What DuckDB prints that way itself is returned unchanged.
 */
export function jsonValue(value: string, type: DuckDBType, depth = 0): string {
  switch (type.typeId) {
    case DuckDBTypeId.BLOB:
      return `base64(${value})`;
    case DuckDBTypeId.DOUBLE:
      return `CASE WHEN isfinite(${value}) THEN ${value} END`;
    case DuckDBTypeId.FLOAT:
      // As a number of its own type: DuckDB prints 0.1::FLOAT as 0.10000000149011612.
      return `CASE WHEN isfinite(${value}) THEN ${value}::VARCHAR::JSON END`;
    case DuckDBTypeId.TIMESTAMP:
    case DuckDBTypeId.TIMESTAMP_S:
    case DuckDBTypeId.TIMESTAMP_MS:
    case DuckDBTypeId.TIMESTAMP_NS:
      return `replace(${value}::VARCHAR, ' ', 'T')`;
    case DuckDBTypeId.TIMESTAMP_TZ:
      // The session is in UTC, so the text ends in +00; infinity has no offset.
      return `replace(regexp_replace(${value}::VARCHAR, '[+]00$', '+00:00'), ' ', 'T')`;
  }
  if (type instanceof DuckDBDecimalType && type.scale === type.width) return fraction(value, type.width);
  if (isFloats(type)) return floatList(value);
  if (type instanceof DuckDBListType || type instanceof DuckDBArrayType) {
    const item = `x${depth}`;
    const mapped = jsonValue(item, type.valueType, depth + 1);
    return mapped === item ? value : `list_transform(${value}, lambda ${item}: ${mapped})`;
  }
  if (type instanceof DuckDBStructType) return structValue(value, type, depth);
  if (type instanceof DuckDBMapType) return mapValue(value, type, depth);
  return value;
}

/** The value of a result column that stands in JSON as `jsonValue` prints it. */
export function fromJson(value: unknown, type: DataType): unknown {
  if (value === null || value === undefined) return null;
  if (DataType.isBinary(type)) return Buffer.from(String(value), 'base64');
  if (DataType.isFloat(type)) return value;
  if (DataType.isList(type) || DataType.isFixedSizeList(type)) {
    const item: DataType = type.children[0]!.type;
    return DataType.isFloat(item) ? value : (value as unknown[]).map((each) => fromJson(each, item));
  }
  if (!DataType.isStruct(type)) return value;
  const object = value as Record<string, unknown>;
  const fields: readonly Field[] = type.children;
  return Object.fromEntries(fields.map((field) => [field.name, fromJson(object[field.name], field.type)]));
}

/**
 * A decimal of no digits before the point, which DuckDB prints as `.5`. That is no JSON, and what goes through
 * DuckDB's JSON type keeps 17 digits only, so that it gets a digit before the point.
 */
function fraction(value: string, width: number): string {
  return width < 38 ? `${value}::DECIMAL(${width + 1}, ${width})` : `replace(${value}::VARCHAR, '.', '0.')`;
}

/** Lists of floats, however deep. */
function isFloats(type: DuckDBType): boolean {
  if (!(type instanceof DuckDBListType || type instanceof DuckDBArrayType)) return false;
  const { valueType } = type;
  return (
    valueType.typeId === DuckDBTypeId.FLOAT || valueType.typeId === DuckDBTypeId.DOUBLE || isFloats(valueType)
  );
}

/**
 * A list of floats as text is JSON already, but for `NULL`, `nan` and `inf`. That is one pass over an embedding; a
 * lambda would be called for each of its numbers.
 */
function floatList(value: string): string {
  return `regexp_replace(${value}::VARCHAR, 'NULL|-?inf|-?nan', 'null', 'g')::JSON`;
}

function structValue(value: string, type: DuckDBStructType, depth: number): string {
  const fields = type.entryTypes.map((entry, i) => {
    const field = `struct_extract_at(${value}, ${i + 1})`;
    return { name: type.entryNames[i]!, field, mapped: jsonValue(field, entry, depth) };
  });
  if (fields.every(({ field, mapped }) => field === mapped)) return value;
  const entries = fields.map(({ name, mapped }) => `${quoteLiteral(name)}: ${mapped}`);
  return `CASE WHEN ${value} IS NOT NULL THEN {${entries.join(', ')}} END`;
}

/** Keys are printed as text whatever they are. */
function mapValue(value: string, type: DuckDBMapType, depth: number): string {
  const item = `x${depth}`;
  const field = `struct_extract_at(${item}, 2)`;
  const mapped = jsonValue(field, type.valueType, depth + 1);
  if (mapped === field) return value;
  const entry = `{'key': struct_extract_at(${item}, 1), 'value': ${mapped}}`;
  return `map_from_entries(list_transform(map_entries(${value}), lambda ${item}: ${entry}))`;
}
