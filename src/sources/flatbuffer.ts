/**
 * Checks a flatbuffer before it is read. Arrow's metadata are flatbuffers, and apache-arrow reads them unchecked: the
 * length of a vector in a damaged file makes it loop thousands of millions of times.
 * @see https://flatbuffers.dev/internals/
 */

/** What a field of a table is. A number: a scalar of so many bytes. */
export type Slot =
  | number
  | 'string'
  | { table: () => Table }
  /** Which table it is tells the slot before, a byte. */
  | { union: (type: number) => Table | undefined }
  /** A vector of items of so many bytes each. */
  | { items: number }
  | { tables: () => Table };

/** The fields of a table, in the order of the schema. */
export type Table = readonly Slot[];

/** Tables in tables, deeper than any sound schema is. */
const MAX_DEPTH = 64;

/** @throws {RangeError} when something in the buffer points outside of it, or is nested without end */
export function checkFlatbuffer(bytes: Uint8Array, root: Table): void {
  const checker = new Checker(bytes);
  checker.table(checker.target(0), root, 0);
}

/** Where a field of the root table is in the buffer; undefined when it is not there. The buffer has been checked. */
export function rootField(bytes: Uint8Array, slot: number): number | undefined {
  const checker = new Checker(bytes);
  return checker.field(checker.target(0), slot);
}

/** Where the object is that the offset at a place points to. The buffer has been checked. */
export function targetAt(bytes: Uint8Array, at: number): number {
  return new Checker(bytes).target(at);
}

/** Where a field of a table is. The buffer has been checked. */
export function fieldAt(bytes: Uint8Array, table: number, slot: number): number | undefined {
  return new Checker(bytes).field(table, slot);
}

class Checker {
  readonly #view: DataView;
  /** Tables that may still be looked at: offsets may share a target, and so make few bytes a tree without end. */
  #tables: number;

  constructor(bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#tables = bytes.byteLength;
  }

  target(at: number): number {
    this.#range(at, 4);
    return at + this.#view.getUint32(at, true);
  }

  field(table: number, slot: number): number | undefined {
    this.#range(table, 4);
    const fields = table - this.#view.getInt32(table, true);
    const place = 4 + 2 * slot;
    if (place + 2 > this.#short(fields)) return undefined;
    const offset = this.#short(fields + place);
    return offset === 0 ? undefined : table + offset;
  }

  table(at: number, table: Table, depth: number): void {
    if (depth > MAX_DEPTH || this.#tables-- <= 0) throw new RangeError('metadata is nested without end');
    table.forEach((slot, i) => {
      const field = this.field(at, i);
      if (field === undefined) return;
      if (typeof slot === 'number') this.#range(field, slot);
      else if (slot === 'string') this.#items(field, 1);
      else if ('items' in slot) this.#items(field, slot.items);
      else if ('table' in slot) this.table(this.target(field), slot.table(), depth + 1);
      else if ('tables' in slot) {
        const { start, count } = this.#items(field, 4);
        for (let k = 0; k < count; k++) this.table(this.target(start + 4 * k), slot.tables(), depth + 1);
      } else {
        const type = this.field(at, i - 1);
        const member = type === undefined ? undefined : slot.union(this.#view.getUint8(type));
        if (member) this.table(this.target(field), member, depth + 1);
      }
    });
  }

  #items(field: number, size: number): { start: number; count: number } {
    const at = this.target(field);
    this.#range(at, 4);
    const count = this.#view.getUint32(at, true);
    this.#range(at + 4, count * size);
    return { start: at + 4, count };
  }

  #short(at: number): number {
    this.#range(at, 2);
    return this.#view.getUint16(at, true);
  }

  /** Every read is checked here first: DataView would throw, too, but words that say nothing to a user. */
  #range(start: number, length: number): void {
    if (start < 0) throw new RangeError(`metadata point to byte ${start}`);
    if (start + length > this.#view.byteLength) {
      throw new RangeError(`metadata end at byte ${this.#view.byteLength}, before ${start + length}`);
    }
  }
}
