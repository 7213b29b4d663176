import {
  type Data,
  DataType,
  DateUnit,
  type Decimal,
  type Duration,
  type Interval,
  IntervalUnit,
  Precision,
  type Time,
  type Timestamp,
  TimeUnit,
  util,
} from 'apache-arrow';
import { type Bits, isSet } from '../arrow/bits.ts';
import { corruptArrow } from '../arrow/data.ts';
import { SluiceError } from '../errors.ts';
import { decimalBytes } from './column-values.ts';

/** Microseconds in each unit; of a nanosecond, a thousandth. */
const MICROS: Record<TimeUnit, { times: bigint; over: bigint }> = {
  [TimeUnit.SECOND]: { times: 1_000_000n, over: 1n },
  [TimeUnit.MILLISECOND]: { times: 1000n, over: 1n },
  [TimeUnit.MICROSECOND]: { times: 1n, over: 1n },
  [TimeUnit.NANOSECOND]: { times: 1n, over: 1000n },
};

/**
 * Items of a column of fixed width in DuckDB's memory layout: a view where Arrow's is the same, otherwise converted.
 * What lies below a null is not looked at, and is 0 where a conversion made it.
 */
export function valuesOf(data: Data, from: number, count: number, bits?: Bits): ArrayBufferView {
  const { type } = data;
  if (DataType.isBool(type)) return bools(data, from, count);
  const { stride } = data;
  const values = data.values.subarray(from * stride, (from + count) * stride);
  if (values.length !== count * stride)
    throw corruptArrow(`${values.length / stride} values where ${count} are told`);
  if (DataType.isFloat(type) && type.precision === Precision.HALF) {
    return Float32Array.from(values as Uint16Array, util.uint16ToFloat64);
  }
  if (DataType.isDecimal(type)) return decimals(values, type, stride, count);
  if (DataType.isDate(type) && type.unit === DateUnit.MILLISECOND) {
    return Int32Array.from(values as BigInt64Array, (ms) => Math.floor(Number(ms) / 86_400_000));
  }
  if (DataType.isTime(type) || DataType.isTimestamp(type)) return times(values, type, bits);
  if (DataType.isDuration(type) || DataType.isInterval(type)) return intervals(values, type, count, bits);
  return values;
}

/** Arrow keeps a bit for each truth value, DuckDB a byte. */
function bools(data: Data, from: number, count: number): Uint8Array {
  const bits: Bits = { bytes: data.values, start: data.offset };
  return Uint8Array.from({ length: count }, (_, i) => Number(isSet(bits, from + i)));
}

/** Two's complement, low bytes first: a narrower decimal is the low bytes of a wider one. */
function decimals(values: Uint32Array, type: Decimal, stride: number, count: number): Uint8Array {
  const width = decimalBytes(type.precision);
  const source = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  const wide = stride * 4;
  if (width === wide) return source;
  const target = new Uint8Array(count * width);
  for (let i = 0; i < count; i++) {
    const sign = source[(i + 1) * wide - 1]! & 0x80 ? 255 : 0;
    for (let k = 0; k < width; k++) target[i * width + k] = k < wide ? source[i * wide + k]! : sign;
  }
  return target;
}

/** Times of day of seconds and milliseconds, and instants of any unit, are microseconds for DuckDB. */
function times(
  values: Int32Array | BigInt64Array,
  type: Time | Timestamp,
  bits: Bits | undefined,
): ArrayBufferView {
  const { unit } = type;
  const isInstant = DataType.isTimestamp(type) && Boolean(type.timezone);
  const isSame = DataType.isTimestamp(type)
    ? !isInstant || unit === TimeUnit.MICROSECOND
    : unit === TimeUnit.MICROSECOND || unit === TimeUnit.NANOSECOND;
  if (isSame) return values;
  return BigInt64Array.from({ length: values.length }, (_, i) =>
    bits && !isSet(bits, i) ? 0n : micros(BigInt(values[i]!), unit),
  );
}

/** Whole microseconds, rounded down. */
function micros(count: bigint, unit: TimeUnit): bigint {
  const { times, over } = MICROS[unit];
  const scaled = count * times;
  const whole = scaled / over - (scaled % over < 0n ? 1n : 0n);
  if (BigInt.asIntN(64, whole) === whole) return whole;
  throw new SluiceError('ARROW_RANGE', `time does not fit into 64 bits of microseconds: ${whole} us`, {
    next: 'Leave the column out, or write it with another type.',
  });
}

/** DuckDB's interval: months and days (i32), microseconds (i64). */
function intervals(
  values: Int32Array | BigInt64Array,
  type: Duration | Interval,
  count: number,
  bits: Bits | undefined,
): ArrayBufferView {
  const target = new DataView(new ArrayBuffer(count * 16));
  const source = new DataView(values.buffer, values.byteOffset, values.byteLength);
  for (let i = 0; i < count; i++) {
    if (bits && !isSet(bits, i)) continue;
    const { months, days, microseconds } = intervalAt(source, i, type);
    target.setInt32(i * 16, months, true);
    target.setInt32(i * 16 + 4, days, true);
    target.setBigInt64(i * 16 + 8, microseconds, true);
  }
  return target;
}

function intervalAt(
  source: DataView,
  index: number,
  type: Duration | Interval,
): { months: number; days: number; microseconds: bigint } {
  const i32 = (at: number) => source.getInt32(at, true);
  if (DataType.isDuration(type)) {
    return { months: 0, days: 0, microseconds: micros(source.getBigInt64(index * 8, true), type.unit) };
  }
  switch (type.unit) {
    case IntervalUnit.YEAR_MONTH:
      return { months: i32(index * 4), days: 0, microseconds: 0n };
    case IntervalUnit.DAY_TIME:
      return { months: 0, days: i32(index * 8), microseconds: BigInt(i32(index * 8 + 4)) * 1000n };
    case IntervalUnit.MONTH_DAY_NANO: {
      const nanos = source.getBigInt64(index * 16 + 8, true);
      return {
        months: i32(index * 16),
        days: i32(index * 16 + 4),
        microseconds: micros(nanos, TimeUnit.NANOSECOND),
      };
    }
  }
}
