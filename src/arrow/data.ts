import { type Data, DataType, makeData, type Vector } from 'apache-arrow';
import { SluiceError } from '../errors.ts';

/** The buffers of a column, under the names of Arrow's `makeData`. */
export interface Buffers {
  length: number;
  /** Absent: every item is valid. */
  nullBitmap?: Uint8Array | undefined;
  nullCount?: number;
  /** Values in the memory layout of the type; any view, also of bytes. */
  data?: ArrayBufferView;
  valueOffsets?: Int32Array | BigInt64Array;
  child?: Data;
  children?: Data[];
  dictionary?: Vector;
}

/** `makeData` for a type that is known only at run time, which its overloads have no signature for. */
export function dataOf(type: DataType, buffers: Buffers): Data {
  const make = makeData as (props: Buffers & { type: DataType }) => Data;
  const { nullBitmap, ...rest } = buffers;
  return make({ type, nullCount: 0, ...rest, ...(nullBitmap && { nullBitmap }) });
}

/** What is said when buffers contradict each other: the file is damaged, or its writer is at fault. */
export function corruptArrow(what: string): SluiceError {
  return new SluiceError('ARROW_CORRUPT', `arrow data is corrupt: ${what}`, {
    next: 'Write the file again, or check it with another Arrow reader.',
  });
}

/** Bytes of a view (Utf8View, BinaryView): a length (i32), then the text itself, or its prefix, buffer and offset. */
const VIEW_BYTES = 16;
const VIEW_INLINE_BYTES = 12;

/**
 * The bytes of item `index` of a column of text or binary of any kind, as a view.
 * @throws {SluiceError} where the item lies outside its buffer
 */
export function bytesAt(data: Data, index: number): Uint8Array {
  const { type, values } = data;
  if (DataType.isFixedSizeBinary(type)) {
    return slice(values, index * type.byteWidth, (index + 1) * type.byteWidth);
  }
  if (DataType.isUtf8View(type) || DataType.isBinaryView(type)) {
    const entry = slice(values, index * VIEW_BYTES, (index + 1) * VIEW_BYTES);
    const view = new DataView(entry.buffer, entry.byteOffset, VIEW_BYTES);
    const length = view.getInt32(0, true);
    if (length <= VIEW_INLINE_BYTES) return entry.subarray(4, 4 + length);
    const buffer = data.variadicBuffers[view.getInt32(8, true)] ?? new Uint8Array(0);
    const offset = view.getInt32(12, true);
    return slice(buffer, offset, offset + length);
  }
  return slice(values, Number(data.valueOffsets[index]), Number(data.valueOffsets[index + 1]));
}

function slice(bytes: Uint8Array, start: number, end: number): Uint8Array {
  if (!(start >= 0 && start <= end && end <= bytes.length)) {
    throw corruptArrow(`bytes ${start} to ${end} of a buffer of ${bytes.length}`);
  }
  return bytes.subarray(start, end);
}
