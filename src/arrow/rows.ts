import {
  type Data,
  DataType,
  DateUnit,
  type Field,
  IntervalUnit,
  Precision,
  type RecordBatch,
  type Union,
  util,
  type Vector,
} from 'apache-arrow';
import { isSet } from './bits.ts';
import { bytesAt } from './data.ts';
import { bigIntOf, scaledText } from './decimal.ts';
import { dateText, durationText, timestampText, timeText } from './times.ts';

/** A span of time whose parts are kept apart: a month has no fixed number of days, a day none of hours. */
export interface Interval {
  months: number;
  days: number;
  nanoseconds: bigint;
}

/**
 * Cells as plain JavaScript values, exact: what a number cannot hold becomes a bigint or text.
 *
 * | Arrow | JavaScript |
 * |---|---|
 * | int64, uint64 | bigint; smaller integers and floats are numbers |
 * | decimal | text with all digits of its scale, `12.50` |
 * | date, time, timestamp | ISO 8601 text, as fine as the unit; a timestamp with a zone ends in `Z` |
 * | interval | `{months, days, nanoseconds}` |
 * | duration | text, the count and the unit: `1500ms` |
 * | binary | Uint8Array, a view |
 * | list, fixed size list | array |
 * | struct | object |
 * | map | array of `{key, value}` |
 * | dictionary, union | the value it stands for |
 */
export function cell(vector: Vector, index: number): unknown {
  let i = index;
  for (const data of vector.data) {
    if (i < data.length) return valueAt(data, i);
    i -= data.length;
  }
  throw new RangeError(`arrow row out of range: ${index} of ${vector.length}`);
}

/** The rows of a batch as objects of cells. */
export function* rowsOf(batch: RecordBatch): Generator<Record<string, unknown>> {
  const names = batch.schema.fields.map((field) => field.name);
  for (let i = 0; i < batch.numRows; i++) {
    yield Object.fromEntries(names.map((name, column) => [name, valueAt(batch.data.children[column]!, i)]));
  }
}

// A byte order mark at the beginning of a text belongs to the text.
const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });

function valueAt(data: Data, index: number): unknown {
  const { type, children } = data;
  if (DataType.isUnion(type)) return unionAt(data, type, index);
  if (DataType.isNull(type) || !data.getValid(index)) return null;
  if (isText(type)) return utf8.decode(bytesAt(data, index));
  if (isBinary(type)) return bytesAt(data, index);
  if (DataType.isList(type) || DataType.isLargeList(type) || DataType.isMap(type)) {
    return valuesOf(children[0]!, Number(data.valueOffsets[index]), Number(data.valueOffsets[index + 1]));
  }
  if (DataType.isFixedSizeList(type)) {
    return valuesOf(children[0]!, index * type.listSize, (index + 1) * type.listSize);
  }
  if (DataType.isStruct(type)) {
    const fields: readonly Field[] = type.children;
    return Object.fromEntries(fields.map((field, i) => [field.name, valueAt(children[i]!, index)]));
  }
  if (DataType.isDictionary(type)) return cell(data.dictionary!, Number(data.values[index]));
  return scalarAt(data, index);
}

function scalarAt(data: Data, index: number): unknown {
  const { type, stride } = data;
  if (DataType.isBool(type)) return isSet({ bytes: data.values, start: data.offset }, index);
  const value: number | bigint = data.values[index * stride];
  if (DataType.isFloat(type)) {
    return type.precision === Precision.HALF ? util.uint16ToFloat64(Number(value)) : value;
  }
  if (DataType.isDecimal(type)) {
    return scaledText(bigIntOf(data.values.subarray(index * stride, (index + 1) * stride)), type.scale);
  }
  if (DataType.isDate(type)) {
    return dateText(type.unit === DateUnit.DAY ? Number(value) : Math.floor(Number(value) / 86_400_000));
  }
  if (DataType.isTime(type)) return timeText(BigInt(value), type.unit);
  if (DataType.isTimestamp(type)) return timestampText(BigInt(value), type.unit, Boolean(type.timezone));
  if (DataType.isDuration(type)) return durationText(BigInt(value), type.unit);
  if (DataType.isInterval(type)) return intervalAt(data, type.unit, index);
  return value;
}

/** Intervals are i32 words: months; or days and milliseconds; or months, days and 64 bits of nanoseconds. */
function intervalAt(data: Data, unit: IntervalUnit, index: number): Interval {
  const words: Int32Array = data.values.subarray(index * data.stride, (index + 1) * data.stride);
  const [first = 0, second = 0, low = 0, high = 0] = words;
  switch (unit) {
    case IntervalUnit.YEAR_MONTH:
      return { months: first, days: 0, nanoseconds: 0n };
    case IntervalUnit.DAY_TIME:
      return { months: 0, days: first, nanoseconds: BigInt(second) * 1_000_000n };
    case IntervalUnit.MONTH_DAY_NANO:
      return { months: first, days: second, nanoseconds: (BigInt(high) << 32n) | BigInt(low >>> 0) };
  }
}

function unionAt(data: Data, type: Union, index: number): unknown {
  const child = data.children[type.typeIdToChildIndex[data.typeIds[index]]!]!;
  return valueAt(child, DataType.isDenseUnion(type) ? data.valueOffsets[index] : index);
}

function valuesOf(data: Data, start: number, end: number): unknown[] {
  return Array.from({ length: end - start }, (_, i) => valueAt(data, start + i));
}

function isText(type: DataType): boolean {
  return DataType.isUtf8(type) || DataType.isLargeUtf8(type) || DataType.isUtf8View(type);
}

function isBinary(type: DataType): boolean {
  return (
    DataType.isBinary(type) ||
    DataType.isLargeBinary(type) ||
    DataType.isBinaryView(type) ||
    DataType.isFixedSizeBinary(type)
  );
}
