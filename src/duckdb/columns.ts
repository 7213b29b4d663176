import {
  DuckDBArrayType,
  DuckDBEnumType,
  DuckDBListType,
  DuckDBMapType,
  DuckDBStructType,
  type DuckDBType,
} from '@duckdb/node-api';
import { DataType, type Utf8, vectorFromArray } from 'apache-arrow';
import type { Column } from './column.ts';
import { ArrayColumn, ListColumn, StructColumn } from './column-lists.ts';
import {
  BoolColumn,
  BytesColumn,
  DecimalColumn,
  FixedWidthColumn,
  IntervalColumn,
  NullColumn,
} from './column-values.ts';

/** The column for a DuckDB type and the Arrow type that `arrowType` makes of it. */
export function columnFor(source: DuckDBType, type: DataType): Column {
  if (DataType.isNull(type)) return new NullColumn(type);
  if (DataType.isBool(type)) return new BoolColumn(type);
  if (DataType.isUtf8(type) || DataType.isBinary(type)) return new BytesColumn(type);
  if (DataType.isDecimal(type)) return new DecimalColumn(type, type.precision);
  if (DataType.isInterval(type)) return new IntervalColumn(type);
  if (source instanceof DuckDBEnumType && DataType.isDictionary(type)) {
    const dictionary = vectorFromArray(source.values, type.dictionary as Utf8);
    return new FixedWidthColumn(type, type.indices.bitWidth / 8, dictionary);
  }
  if (source instanceof DuckDBStructType) return structColumn(type, source.entryTypes);
  if (source instanceof DuckDBArrayType) {
    return new ArrayColumn(type, source.length, columnFor(source.valueType, valueType(type)));
  }
  if (source instanceof DuckDBListType) {
    return new ListColumn(type, columnFor(source.valueType, valueType(type)));
  }
  if (source instanceof DuckDBMapType) {
    return new ListColumn(type, structColumn(valueType(type), [source.keyType, source.valueType]));
  }
  return new FixedWidthColumn(type, bytesPerValue(type));
}

function structColumn(type: DataType, sources: readonly DuckDBType[]): Column {
  const children = sources.map((source, i) => columnFor(source, type.children[i]!.type));
  return new StructColumn(type, children);
}

function valueType(list: DataType): DataType {
  return list.children[0]!.type;
}

/** Bytes of a value of a type that DuckDB and Arrow lay out alike. */
function bytesPerValue(type: DataType): number {
  const { BYTES_PER_ELEMENT } = type.ArrayType as { BYTES_PER_ELEMENT: number };
  return BYTES_PER_ELEMENT;
}
