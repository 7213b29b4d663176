import {
  Binary,
  type Data,
  DataType,
  type Field,
  FixedSizeList,
  List,
  Map_,
  Struct,
  Utf8,
  type Vector,
} from 'apache-arrow';
import { BitmapBuilder, isSet } from './bits.ts';
import { bytesAt, corruptArrow, dataOf } from './data.ts';

/** Which items to take: item `index[i]` of chunk `chunk[i]`; an index of -1 takes a null. */
interface Picks {
  chunk: Uint32Array;
  index: Int32Array;
}

/** The items of a map. */
type Entries = Struct<{ key: DataType; value: DataType }>;

/** What every taken column has in common. */
interface Common {
  length: number;
  nullBitmap: Uint8Array | undefined;
  nullCount: number;
}

/**
 * The values that items `from` to `from + count` of a dictionary column stand for, as a column of plain values.
 * Dictionaries inside the values are resolved too, text is Utf8 and binary is Binary whatever they were.
 */
export function decodeDictionary(data: Data, from: number, count: number): Data {
  const index = new Int32Array(count);
  for (let i = 0; i < count; i++) index[i] = data.getValid(from + i) ? Number(data.values[from + i]) : -1;
  return takeFrom(data.dictionary!, index);
}

/** A vector may have several chunks: deltas of a dictionary append to it. */
function takeFrom(vector: Vector, indexes: Int32Array): Data {
  const picks: Picks = { chunk: new Uint32Array(indexes.length), index: new Int32Array(indexes.length) };
  indexes.forEach((position, i) => {
    if (position >= vector.length)
      throw corruptArrow(`index ${position} into a dictionary of ${vector.length}`);
    let chunk = 0;
    let index = position;
    while (index >= 0 && index >= vector.data[chunk]!.length) index -= vector.data[chunk++]!.length;
    picks.chunk[i] = chunk;
    picks.index[i] = index;
  });
  return take(vector.data, picks);
}

function take(chunks: readonly Data[], wanted: Picks): Data {
  const { type } = chunks[0]!;
  const length = wanted.index.length;
  const validity = new BitmapBuilder();
  // Below a null there is nothing to take.
  const index = wanted.index.map((at, i) => {
    const valid = at >= 0 && chunks[wanted.chunk[i]!]!.getValid(at);
    validity.fill(valid, 1);
    return valid ? at : -1;
  });
  const picks: Picks = { chunk: wanted.chunk, index };
  const common: Common = { length, ...validity.take() };
  if (DataType.isDictionary(type)) return takeDictionary(chunks, picks);
  if (DataType.isNull(type)) return dataOf(type, { length, nullCount: length });
  if (DataType.isBool(type)) return takeBools(chunks, picks, common);
  if (DataType.isUtf8(type) || DataType.isLargeUtf8(type) || DataType.isUtf8View(type)) {
    return takeBytes(new Utf8(), chunks, picks, common);
  }
  if (
    DataType.isBinary(type) ||
    DataType.isLargeBinary(type) ||
    DataType.isBinaryView(type) ||
    DataType.isFixedSizeBinary(type)
  ) {
    return takeBytes(new Binary(), chunks, picks, common);
  }
  if (DataType.isStruct(type)) {
    const children = type.children.map((_, child) => take(childrenOf(chunks, child), picks));
    const fields = type.children.map((field, child) => field.clone({ type: children[child]!.type }));
    return dataOf(new Struct(fields), { ...common, children });
  }
  if (DataType.isFixedSizeList(type)) return takeArrays(type, chunks, picks, common);
  if (DataType.isList(type) || DataType.isLargeList(type) || DataType.isMap(type)) {
    return takeLists(type, chunks, picks, common);
  }
  return takeValues(chunks, picks, common);
}

/** All chunks share one dictionary; where it grew by deltas, the last chunk knows all of it. */
function takeDictionary(chunks: readonly Data[], { chunk, index }: Picks): Data {
  const positions = index.map((at, i) => (at < 0 ? -1 : Number(chunks[chunk[i]!]!.values[at])));
  return takeFrom(chunks.at(-1)!.dictionary!, positions);
}

function takeValues(chunks: readonly Data[], { chunk, index }: Picks, common: Common): Data {
  const { type, stride } = chunks[0]!;
  const data = new (type.ArrayType as new (length: number) => Int32Array)(index.length * stride);
  index.forEach((at, i) => {
    if (at < 0) return;
    data.set(chunks[chunk[i]!]!.values.subarray(at * stride, (at + 1) * stride), i * stride);
  });
  return dataOf(type, { ...common, data });
}

function takeBools(chunks: readonly Data[], { chunk, index }: Picks, common: Common): Data {
  const data = new Uint8Array((index.length + 7) >> 3);
  index.forEach((at, i) => {
    if (at < 0) return;
    const { values, offset } = chunks[chunk[i]!]!;
    if (isSet({ bytes: values, start: offset }, at)) data[i >> 3] = data[i >> 3]! | (1 << (i & 7));
  });
  return dataOf(chunks[0]!.type, { ...common, data });
}

function takeBytes(type: DataType, chunks: readonly Data[], { chunk, index }: Picks, common: Common): Data {
  const items = Array.from(index, (at, i) => (at < 0 ? new Uint8Array(0) : bytesAt(chunks[chunk[i]!]!, at)));
  const valueOffsets = new Int32Array(items.length + 1);
  items.forEach((item, i) => {
    valueOffsets[i + 1] = valueOffsets[i]! + item.length;
  });
  const data = new Uint8Array(valueOffsets.at(-1)!);
  items.forEach((item, i) => {
    data.set(item, valueOffsets[i]);
  });
  return dataOf(type, { ...common, valueOffsets, data });
}

function takeLists(type: DataType, chunks: readonly Data[], { chunk, index }: Picks, common: Common): Data {
  const valueOffsets = new Int32Array(index.length + 1);
  const picked = { chunk: [] as number[], index: [] as number[] };
  index.forEach((at, i) => {
    const { valueOffsets: offsets } = chunks[chunk[i]!]!;
    const end = at < 0 ? 0 : Number(offsets[at + 1]);
    for (let k = at < 0 ? 0 : Number(offsets[at]); k < end; k++) {
      picked.chunk.push(chunk[i]!);
      picked.index.push(k);
    }
    valueOffsets[i + 1] = picked.index.length;
  });
  const child = take(childrenOf(chunks, 0), picksOf(picked));
  const field = type.children[0]!.clone({ type: child.type });
  const taken = DataType.isMap(type) ? new Map_(field as Field<Entries>) : new List(field);
  return dataOf(taken, { ...common, valueOffsets, child });
}

function takeArrays(
  type: FixedSizeList,
  chunks: readonly Data[],
  { chunk, index }: Picks,
  common: Common,
): Data {
  const size = type.listSize;
  const picked = { chunk: [] as number[], index: [] as number[] };
  index.forEach((at, i) => {
    for (let k = 0; k < size; k++) {
      picked.chunk.push(chunk[i]!);
      picked.index.push(at < 0 ? -1 : at * size + k);
    }
  });
  const child = take(childrenOf(chunks, 0), picksOf(picked));
  return dataOf(new FixedSizeList(size, type.children[0]!.clone({ type: child.type })), { ...common, child });
}

function childrenOf(chunks: readonly Data[], child: number): Data[] {
  return chunks.map((chunk) => chunk.children[child]!);
}

function picksOf({ chunk, index }: { chunk: number[]; index: number[] }): Picks {
  return { chunk: Uint32Array.from(chunk), index: Int32Array.from(index) };
}
