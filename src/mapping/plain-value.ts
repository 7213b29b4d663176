import { DataType, type Field, type Map_, Precision } from 'apache-arrow';

/**
 * A cell as a value that JSON and templates can hold without loss: integers beyond 2^53 are texts of their digits,
 * maps are objects, a 32-bit float is the shortest number that means it. Bytes are null: where they would be seen, the
 * mapping is refused before the run.
 * @param value as `cell` of `arrow/rows.ts` gives it: decimals, dates and times are texts already
 */
export function plainValue(type: DataType, value: unknown): unknown {
  if (value === null || value === undefined || isBinary(type)) return null;
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  if (DataType.isDictionary(type)) return plainValue(type.dictionary, value);
  if (DataType.isFloat(type) && type.precision === Precision.SINGLE) return shortest(value as number);
  if (DataType.isMap(type)) return objectOf(type, value as { key: unknown; value: unknown }[]);
  if (DataType.isStruct(type)) {
    const fields: readonly Field[] = type.children;
    const struct = value as Record<string, unknown>;
    return Object.fromEntries(
      fields.map((field) => [field.name, plainValue(field.type, struct[field.name])]),
    );
  }
  const element = elementOf(type);
  if (element !== undefined && Array.isArray(value)) return value.map((item) => plainValue(element, item));
  return Array.isArray(value) || typeof value !== 'object' ? value : plainObject(value);
}

/** Type of a list's elements, whatever kind of list; undefined for what is no list. */
export function elementOf(type: DataType): DataType | undefined {
  const isList = DataType.isList(type) || DataType.isLargeList(type) || DataType.isFixedSizeList(type);
  return isList ? (type.children[0] as Field).type : undefined;
}

export function isText(type: DataType): boolean {
  if (DataType.isDictionary(type)) return isText(type.dictionary);
  return DataType.isUtf8(type) || DataType.isLargeUtf8(type) || DataType.isUtf8View(type);
}

export function isBinary(type: DataType): boolean {
  return (
    DataType.isBinary(type) ||
    DataType.isLargeBinary(type) ||
    DataType.isBinaryView(type) ||
    DataType.isFixedSizeBinary(type)
  );
}

/** Whether bytes are anywhere in the type. */
export function holdsBinary(type: DataType): boolean {
  if (isBinary(type)) return true;
  if (DataType.isDictionary(type)) return holdsBinary(type.dictionary);
  return ((type.children ?? []) as Field[]).some((field) => holdsBinary(field.type));
}

function objectOf(type: Map_, entries: readonly { key: unknown; value: unknown }[]): Record<string, unknown> {
  const [key, value] = (type.children[0] as Field).type.children as Field[];
  return Object.fromEntries(
    entries.map((entry) => [String(plainValue(key!.type, entry.key)), plainValue(value!.type, entry.value)]),
  );
}

/** What no type tells: parts of an interval, members of a union. */
function plainObject(value: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [name, typeof item === 'bigint' ? String(item) : item]),
  );
}

/** 32 bits hold 6 to 9 significant digits (IEEE 754): 0.1, not 0.10000000149011612. */
function shortest(value: number): number {
  for (let digits = 6; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return short;
  }
  return value;
}
