import { Field, FixedSizeList, Float32, Float64, Int32, Int64, List, Struct, Utf8 } from 'apache-arrow';
import type { DataType } from 'apache-arrow';

/** Arrow types that several tasks' result columns are made of. Every field is nullable: a failed row has nulls. */

export const utf8 = (): Utf8 => new Utf8();
export const float64 = (): Float64 => new Float64();
export const int32 = (): Int32 => new Int32();
export const int64 = (): Int64 => new Int64();

/** `item` is the name that Arrow's own implementations give to the elements of a list. */
export function listOf<T extends DataType>(type: T): List<T> {
  return new List(new Field('item', type, true));
}

export function structOf(members: Readonly<Record<string, DataType>>): Struct {
  return new Struct(Object.entries(members).map(([name, type]) => column(name, type)));
}

/** A vector of 32-bit floats. 0: the first answer will tell how long. */
export function vectorOf(length: number): FixedSizeList<Float32> {
  return new FixedSizeList(length, new Field('item', new Float32(), true));
}

export function column<T extends DataType>(name: string, type: T): Field<T> {
  return new Field(name, type, true);
}
