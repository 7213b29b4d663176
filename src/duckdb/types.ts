/**
 * Types of DuckDB and of Arrow, both ways, in one place. The two differ at the edges:
 *
 * | DuckDB | Arrow |
 * |---|---|
 * | HUGEINT, UHUGEINT, BIGNUM | utf8: 39 digits do not fit Decimal128, and text is exact |
 * | UUID, BIT, TIME_TZ, UNION, VARIANT, GEOMETRY, JSON | utf8, as DuckDB prints them |
 * | ENUM | dictionary of utf8 |
 * | TIMESTAMP_TZ | timestamp[us, UTC] |
 * | INTERVAL | interval[month_day_nano] |
 *
 * | Arrow | DuckDB |
 * |---|---|
 * | dictionary | the type of its values |
 * | float16 | FLOAT |
 * | decimal of more than 38 digits, or with a scale outside 0 to its precision | VARCHAR |
 * | timestamp[ns] with a time zone | TIMESTAMP_TZ, whole microseconds: DuckDB has no finer one |
 * | duration, every interval | INTERVAL, whole microseconds |
 * | fixed size binary | BLOB |
 * | union, struct without fields | refused |
 */

import {
  ARRAY,
  BIGINT,
  BLOB,
  BOOLEAN,
  DATE,
  DECIMAL,
  DOUBLE,
  DuckDBArrayType,
  DuckDBDecimalType,
  DuckDBEnumType,
  DuckDBListType,
  DuckDBMapType,
  DuckDBStructType,
  type DuckDBType,
  DuckDBTypeId,
  FLOAT,
  INTEGER,
  INTERVAL,
  LIST,
  MAP,
  SMALLINT,
  SQLNULL,
  TIME,
  TIME_NS,
  TIMESTAMP,
  TIMESTAMP_MS,
  TIMESTAMP_NS,
  TIMESTAMP_S,
  TIMESTAMPTZ,
  TINYINT,
  UBIGINT,
  UINTEGER,
  USMALLINT,
  UTINYINT,
  VARCHAR,
} from '@duckdb/node-api';
import {
  Binary,
  Bool,
  DataType,
  DateDay,
  Decimal,
  Dictionary,
  Field,
  FixedSizeList,
  Float32,
  Float64,
  Int8,
  Int16,
  Int32,
  Int64,
  IntervalMonthDayNano,
  List,
  Map_,
  Null,
  Precision,
  Schema,
  Struct,
  TimeMicrosecond,
  TimeNanosecond,
  TimestampMicrosecond,
  TimestampMillisecond,
  TimestampNanosecond,
  TimestampSecond,
  TimeUnit,
  Uint8,
  Uint16,
  Uint32,
  Uint64,
  Utf8,
} from 'apache-arrow';
import { SluiceError } from '../errors.ts';
import { quoteIdentifier } from './quote.ts';

/** A column of a query's result. */
export interface Column {
  name: string;
  type: DuckDBType;
}

/** DuckDB's types without parts that have an Arrow type of the same values. */
const ARROW_TYPES: Partial<Record<DuckDBTypeId, () => DataType>> = {
  [DuckDBTypeId.SQLNULL]: () => new Null(),
  [DuckDBTypeId.BOOLEAN]: () => new Bool(),
  [DuckDBTypeId.TINYINT]: () => new Int8(),
  [DuckDBTypeId.SMALLINT]: () => new Int16(),
  [DuckDBTypeId.INTEGER]: () => new Int32(),
  [DuckDBTypeId.BIGINT]: () => new Int64(),
  [DuckDBTypeId.UTINYINT]: () => new Uint8(),
  [DuckDBTypeId.USMALLINT]: () => new Uint16(),
  [DuckDBTypeId.UINTEGER]: () => new Uint32(),
  [DuckDBTypeId.UBIGINT]: () => new Uint64(),
  [DuckDBTypeId.FLOAT]: () => new Float32(),
  [DuckDBTypeId.DOUBLE]: () => new Float64(),
  [DuckDBTypeId.VARCHAR]: () => new Utf8(),
  [DuckDBTypeId.BLOB]: () => new Binary(),
  [DuckDBTypeId.DATE]: () => new DateDay(),
  [DuckDBTypeId.TIME]: () => new TimeMicrosecond(),
  [DuckDBTypeId.TIME_NS]: () => new TimeNanosecond(),
  [DuckDBTypeId.TIMESTAMP_S]: () => new TimestampSecond(),
  [DuckDBTypeId.TIMESTAMP_MS]: () => new TimestampMillisecond(),
  [DuckDBTypeId.TIMESTAMP]: () => new TimestampMicrosecond(),
  [DuckDBTypeId.TIMESTAMP_NS]: () => new TimestampNanosecond(),
  [DuckDBTypeId.TIMESTAMP_TZ]: () => new TimestampMicrosecond('UTC'),
  [DuckDBTypeId.INTERVAL]: () => new IntervalMonthDayNano(),
};

/**
 * The Arrow type of a DuckDB type that `friendlyType` leaves as it is. Dictionaries are numbered by `nextId`, from 0
 * in each schema: arrow-js would count on for ever, and the same table written twice would be two different files.
 * @throws {Error} for any other
 */
function arrowType(type: DuckDBType, nextId: () => number): DataType {
  if (type instanceof DuckDBDecimalType) return new Decimal(type.scale, type.width, 128);
  if (type instanceof DuckDBEnumType) return new Dictionary(new Utf8(), enumIndexType(type), nextId());
  if (type instanceof DuckDBListType) return new List(itemField(type.valueType, nextId));
  if (type instanceof DuckDBArrayType)
    return new FixedSizeList(type.length, itemField(type.valueType, nextId));
  if (type instanceof DuckDBStructType) {
    return new Struct(
      type.entryTypes.map((entry, i) => nullable(type.entryNames[i]!, arrowType(entry, nextId))),
    );
  }
  if (type instanceof DuckDBMapType) {
    const entry = new Struct<{ key: DataType; value: DataType }>([
      new Field('key', arrowType(type.keyType, nextId), false),
      nullable('value', arrowType(type.valueType, nextId)),
    ]);
    return new Map_(new Field('entries', entry, false));
  }
  const make = ARROW_TYPES[type.typeId];
  if (!make) throw new Error(`no Arrow type for DuckDB type: ${type}`);
  return make();
}

/**
 * The Arrow schema of a query's columns, whose types are all friendly. A name that comes again gets a number, because
 * arrow-js gives columns of one name one type.
 */
export function arrowSchema(columns: readonly Column[]): Schema {
  const names = uniqueNames(columns.map((column) => column.name));
  let id = 0;
  const nextId = () => id++;
  return new Schema(columns.map((column, i) => nullable(names[i]!, arrowType(column.type, nextId))));
}

/** The type itself, or the nearest one that has an Arrow type: what has none is VARCHAR. */
export function friendlyType(type: DuckDBType): DuckDBType {
  return mapType(type, (part) => (PARTED.has(part.typeId) || ARROW_TYPES[part.typeId] ? part : VARCHAR));
}

/** Types that are made of others or of parameters. */
const PARTED: ReadonlySet<DuckDBTypeId> = new Set([
  DuckDBTypeId.DECIMAL,
  DuckDBTypeId.ENUM,
  DuckDBTypeId.LIST,
  DuckDBTypeId.ARRAY,
  DuckDBTypeId.MAP,
  DuckDBTypeId.STRUCT,
]);

/** A type with `change` applied to each type in it, from the inside out. */
export function mapType(type: DuckDBType, change: (part: DuckDBType) => DuckDBType): DuckDBType {
  const map = (part: DuckDBType) => mapType(part, change);
  if (type instanceof DuckDBListType) return change(LIST(map(type.valueType)));
  if (type instanceof DuckDBArrayType) return change(ARRAY(map(type.valueType), type.length));
  if (type instanceof DuckDBMapType) return change(MAP(map(type.keyType), map(type.valueType)));
  if (type instanceof DuckDBStructType) {
    return change(new DuckDBStructType(type.entryNames, type.entryTypes.map(map)));
  }
  return change(type);
}

/**
 * The query itself, or the same with its columns cast to these types. `columns` are the query's. They go by position:
 * the same name may come twice, and DuckDB would give the last one for both. A column that has its type already is left
 * as it is: not every type can be written as SQL, such as a struct with a field without a name.
 */
export function castColumns(sql: string, columns: readonly Column[], types: readonly DuckDBType[]): string {
  const isCast = columns.map(({ type }, i) => String(type) !== String(types[i]));
  if (!isCast.includes(true)) return sql;
  const items = columns.map(({ name }, i) => {
    const value = isCast[i] ? `CAST(c${i} AS ${types[i]})` : `c${i}`;
    return `${value} AS ${quoteIdentifier(name)}`;
  });
  return `SELECT ${items.join(', ')} FROM (${sql}\n) AS q(${columns.map((_, i) => `c${i}`).join(', ')})`;
}

/** The query itself, or the same with what has no Arrow type as text. `columns` are the query's. */
export function arrowFriendly(sql: string, columns: readonly Column[]): string {
  return castColumns(
    sql,
    columns,
    columns.map((column) => friendlyType(column.type)),
  );
}

/**
 * The DuckDB type that takes the values of an Arrow type.
 * @throws {SluiceError} for unions and for structs without fields; `name` is the column that the message names
 */
export function duckdbType(type: DataType, name: string): DuckDBType {
  if (DataType.isNull(type)) return SQLNULL;
  if (DataType.isBool(type)) return BOOLEAN;
  if (DataType.isInt(type)) return integerType(type.bitWidth, type.isSigned);
  if (DataType.isFloat(type)) return type.precision === Precision.DOUBLE ? DOUBLE : FLOAT;
  if (DataType.isUtf8(type) || DataType.isLargeUtf8(type) || DataType.isUtf8View(type)) return VARCHAR;
  if (DataType.isBinary(type) || DataType.isLargeBinary(type) || DataType.isBinaryView(type)) return BLOB;
  if (DataType.isFixedSizeBinary(type)) return BLOB;
  if (DataType.isDecimal(type)) return fitsDecimal(type) ? DECIMAL(type.precision, type.scale) : VARCHAR;
  if (DataType.isDate(type)) return DATE;
  if (DataType.isTime(type)) return type.unit === TimeUnit.NANOSECOND ? TIME_NS : TIME;
  if (DataType.isTimestamp(type)) return timestampType(type.unit, Boolean(type.timezone));
  if (DataType.isInterval(type) || DataType.isDuration(type)) return INTERVAL;
  if (DataType.isDictionary(type)) return duckdbType(type.dictionary, name);
  if (DataType.isFixedSizeList(type)) {
    const item = duckdbType(type.valueType, name);
    return isArraySize(type.listSize) ? ARRAY(item, type.listSize) : LIST(item);
  }
  if (DataType.isList(type) || DataType.isLargeList(type)) return LIST(duckdbType(type.valueType, name));
  if (DataType.isMap(type)) return MAP(duckdbType(type.keyType, name), duckdbType(type.valueType, name));
  if (DataType.isStruct(type) && type.children.length > 0) {
    const fields: readonly Field[] = type.children;
    return new DuckDBStructType(
      uniqueNames(fields.map((field) => field.name)),
      fields.map((field) => duckdbType(field.type, `${name}.${field.name}`)),
    );
  }
  throw new SluiceError('ARROW_TYPE', `arrow column ${name} has a type that cannot be read: ${type}`, {
    next: 'Leave the column out, or write it with another type.',
  });
}

/** Whether a decimal is a DECIMAL for DuckDB. */
export function fitsDecimal(type: Decimal): boolean {
  return type.precision <= 38 && type.scale >= 0 && type.scale <= type.precision;
}

/** DuckDB's limits for ARRAY. A fixed size list outside them is a LIST. */
export function isArraySize(size: number): boolean {
  return size >= 1 && size <= 100_000;
}

/** The names, made different from one another without regard to case, as DuckDB wants them: `a`, `A_1`. */
export function uniqueNames(names: readonly (string | null)[]): string[] {
  const taken = new Set<string>();
  return names.map((given) => {
    // arrow-js has null for the name of a field that was written without one.
    const name = given ?? '';
    let unique = name;
    for (let n = 1; taken.has(unique.toLowerCase()); n++) unique = `${name}_${n}`;
    taken.add(unique.toLowerCase());
    return unique;
  });
}

function nullable(name: string, type: DataType): Field {
  return new Field(name, type, true);
}

/** `item` is what Arrow's own libraries call the values of a list. */
function itemField(type: DuckDBType, nextId: () => number): Field {
  return nullable('item', arrowType(type, nextId));
}

function enumIndexType(type: DuckDBEnumType): Uint8 | Uint16 | Uint32 {
  if (type.internalTypeId === DuckDBTypeId.UTINYINT) return new Uint8();
  return type.internalTypeId === DuckDBTypeId.USMALLINT ? new Uint16() : new Uint32();
}

function integerType(bitWidth: 8 | 16 | 32 | 64, isSigned: boolean): DuckDBType {
  switch (bitWidth) {
    case 8:
      return isSigned ? TINYINT : UTINYINT;
    case 16:
      return isSigned ? SMALLINT : USMALLINT;
    case 32:
      return isSigned ? INTEGER : UINTEGER;
    case 64:
      return isSigned ? BIGINT : UBIGINT;
  }
}

function timestampType(unit: TimeUnit, hasZone: boolean): DuckDBType {
  if (hasZone) return TIMESTAMPTZ;
  switch (unit) {
    case TimeUnit.SECOND:
      return TIMESTAMP_S;
    case TimeUnit.MILLISECOND:
      return TIMESTAMP_MS;
    case TimeUnit.MICROSECOND:
      return TIMESTAMP;
    case TimeUnit.NANOSECOND:
      return TIMESTAMP_NS;
  }
}
