import { isAscii, isUtf8 } from 'node:buffer';
import duckdb from '@duckdb/node-bindings';
import { type Data, DataType, type Decimal } from 'apache-arrow';
import { alignBits, type Bits, isSet } from '../arrow/bits.ts';
import { bytesAt, corruptArrow } from '../arrow/data.ts';
import { bigIntOf, scaledText } from '../arrow/decimal.ts';
import { decodeDictionary } from '../arrow/take.ts';
import { INLINE_BYTES, STRING_BYTES } from './strings.ts';
import { fitsDecimal, isArraySize } from './types.ts';
import { valuesOf } from './values.ts';

/**
 * Writes items of Arrow columns into DuckDB vectors of the types that `duckdbType` gives.
 *
 * DuckDB trusts what is written: a vector that is not written whole, validity included, or a length that does not
 * agree with another takes the process down. So every length is checked against the buffers before it is used.
 */

/**
 * Writes items `from` to `from + count` to the beginning of the vector.
 * @param parents validity of the structs or arrays around these items: below a null, everything must be null
 */
export function writeVector(
  vector: duckdb.Vector,
  data: Data,
  from: number,
  count: number,
  parents?: Bits,
): void {
  const { type } = data;
  if (from + count > data.length) throw corruptArrow(`${data.length} values where ${from + count} are told`);
  if (DataType.isDictionary(type)) {
    writeVector(vector, decodeDictionary(data, from, count), 0, count, parents);
    return;
  }
  const validity = validityOf(data, from, count, parents);
  if (validity) {
    duckdb.vector_ensure_validity_writable(vector);
    const { buffer, byteOffset, byteLength } = validity;
    duckdb.copy_data_to_vector_validity(vector, 0, buffer as ArrayBuffer, byteOffset, byteLength);
  }
  const bits = validity && { bytes: validity, start: 0 };
  if (DataType.isNull(type)) return;
  if (DataType.isStruct(type)) {
    data.children.forEach((child, i) => {
      writeVector(duckdb.struct_vector_get_child(vector, i), child, from, count, bits);
    });
  } else if (DataType.isFixedSizeList(type) && isArraySize(type.listSize)) {
    const size = type.listSize;
    const items = duckdb.array_vector_get_child(vector);
    writeVector(items, data.children[0]!, from * size, count * size, bits && repeatBits(bits, count, size));
  } else if (isList(type)) writeLists(vector, data, from, count, bits);
  else if (isBytes(type)) writeStrings(vector, data, from, count, bits);
  else if (DataType.isDecimal(type) && !fitsDecimal(type)) writeDecimalTexts(vector, data, from, count, bits);
  else copyTo(vector, valuesOf(data, from, count, bits));
}

function validityOf(data: Data, from: number, count: number, parents?: Bits): Uint8Array | undefined {
  if (DataType.isNull(data.type)) return new Uint8Array(((count + 63) >> 6) << 3);
  const own = data.nullBitmap && data.nullCount > 0;
  if (!own) return parents && alignBits(parents, 0, count);
  const bits = alignBits({ bytes: data.nullBitmap!, start: data.offset }, from, count);
  if (parents) {
    const above = alignBits(parents, 0, count);
    for (let i = 0; i < bits.length; i++) bits[i] = bits[i]! & above[i]!;
  }
  return bits;
}

/** Each of the first `count` bits `size` times. */
function repeatBits(bits: Bits, count: number, size: number): Bits {
  const bytes = new Uint8Array(((count * size + 63) >> 6) << 3).fill(255);
  for (let i = 0; i < count; i++) {
    if (isSet(bits, i)) continue;
    for (let k = i * size; k < (i + 1) * size; k++) bytes[k >> 3] = bytes[k >> 3]! & ~(1 << (k & 7));
  }
  return { bytes, start: 0 };
}

/** Lists, maps, and the fixed size lists that DuckDB cannot have as ARRAY. */
function writeLists(vector: duckdb.Vector, data: Data, from: number, count: number, bits?: Bits): void {
  const items = data.children[0]!;
  // For each list an offset and a length of 64 bits, whose high words stay 0.
  const entries = new Uint32Array(count * 4);
  const first = listStart(data, from);
  let end = first;
  for (let i = 0; i < count; i++) {
    const start = end;
    end = listStart(data, from + i + 1);
    if (!(start <= end && end <= items.length)) {
      throw corruptArrow(`list of values ${start} to ${end} of ${items.length}`);
    }
    entries[i * 4] = start - first;
    if (!bits || isSet(bits, i)) entries[i * 4 + 2] = end - start;
  }
  if (DataType.isMap(data.type)) checkKeys(items, first, end);
  copyTo(vector, entries);
  duckdb.list_vector_reserve(vector, end - first);
  duckdb.list_vector_set_size(vector, end - first);
  writeVector(duckdb.list_vector_get_child(vector), items, first, end - first);
}

/** Where list `index` begins among the values; the list before ends there. */
function listStart(data: Data, index: number): number {
  if (DataType.isFixedSizeList(data.type)) return index * data.type.listSize;
  // A column without items may come without offsets.
  return index === 0 && data.valueOffsets.length === 0 ? 0 : Number(data.valueOffsets[index]);
}

/** DuckDB takes a key that is null for granted not to be. */
function checkKeys(entries: Data, from: number, end: number): void {
  const keys = entries.children[0]!;
  for (let i = from; i < end; i++) {
    if (!entries.getValid(i) || !keys.getValid(i)) throw corruptArrow('a map has a key that is null');
  }
}

function writeStrings(vector: duckdb.Vector, data: Data, from: number, count: number, bits?: Bits): void {
  const isText = !isBinary(data.type);
  const inline = new Uint8Array(count * STRING_BYTES);
  const lengths = new Uint32Array(inline.buffer);
  const long: { index: number; bytes: Uint8Array }[] = [];
  for (let i = 0; i < count; i++) {
    if (bits && !isSet(bits, i)) continue;
    const bytes = bytesAt(data, from + i);
    if (bytes.length > INLINE_BYTES || (isText && !isAscii(bytes))) long.push({ index: i, bytes });
    else {
      lengths[i * 4] = bytes.length;
      inline.set(bytes, i * STRING_BYTES + 4);
    }
  }
  copyTo(vector, inline);
  for (const { index, bytes } of long) {
    // DuckDB makes a null of text that is not UTF-8, and says nothing.
    const text = isText && !isUtf8(bytes) ? replaceInvalid(bytes) : bytes;
    duckdb.vector_assign_string_element_len(vector, index, text);
  }
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
const encoder = new TextEncoder();

/** With U+FFFD in place of every sequence that is not UTF-8. */
function replaceInvalid(bytes: Uint8Array): Uint8Array {
  return encoder.encode(decoder.decode(bytes));
}

function writeDecimalTexts(
  vector: duckdb.Vector,
  data: Data,
  from: number,
  count: number,
  bits?: Bits,
): void {
  const { scale } = data.type as Decimal;
  copyTo(vector, new Uint8Array(count * STRING_BYTES));
  for (let i = 0; i < count; i++) {
    if (bits && !isSet(bits, i)) continue;
    const words = data.values.subarray((from + i) * data.stride, (from + i + 1) * data.stride);
    duckdb.vector_assign_string_element(vector, i, scaledText(bigIntOf(words), scale));
  }
}

function copyTo(vector: duckdb.Vector, values: ArrayBufferView): void {
  duckdb.copy_data_to_vector(vector, 0, values.buffer as ArrayBuffer, values.byteOffset, values.byteLength);
}

function isList(type: DataType): boolean {
  return (
    DataType.isList(type) ||
    DataType.isLargeList(type) ||
    DataType.isMap(type) ||
    DataType.isFixedSizeList(type)
  );
}

function isBytes(type: DataType): boolean {
  return DataType.isUtf8(type) || DataType.isLargeUtf8(type) || DataType.isUtf8View(type) || isBinary(type);
}

function isBinary(type: DataType): boolean {
  return (
    DataType.isBinary(type) ||
    DataType.isLargeBinary(type) ||
    DataType.isBinaryView(type) ||
    DataType.isFixedSizeBinary(type)
  );
}
