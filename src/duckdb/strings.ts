import duckdb from '@duckdb/node-bindings';

/**
 * DuckDB's strings are structs of 16 bytes: a length (u32), then up to 12 bytes of text, or, where it is longer, 4
 * bytes of its beginning and a pointer.
 * @see duckdb_string_t in duckdb.h
 */
export const STRING_BYTES = 16;
export const INLINE_BYTES = 12;

/**
 * Every look behind a pointer is a call into C++ that makes a buffer, which costs more than copying a text. Long
 * strings of a chunk mostly lie close together, so those with gaps of less than this go in one call. The bytes of a
 * gap are read too; being less than a memory page (4096 bytes), a gap between two strings lies in pages that the
 * strings themselves keep mapped.
 */
const MAX_GAP_BYTES = 1024;

/** A stretch of DuckDB's memory with strings in it. */
interface Span {
  start: number;
  end: number;
  bytes: Uint8Array;
}

/** Reads the strings of a vector of VARCHAR or BLOB without decoding them. */
export class StringReader {
  readonly #entries: Uint8Array;
  readonly #words: Uint32Array;
  #spans: Span[] = [];
  /** The span of the string read last; the next one mostly is in it as well. */
  #current: Span | undefined;

  /** @param size items of the vector that may be read */
  constructor(vector: duckdb.Vector, size: number) {
    this.#entries = duckdb.vector_get_data(vector, size * STRING_BYTES);
    this.#words = new Uint32Array(this.#entries.buffer, this.#entries.byteOffset, size * 4);
  }

  length(index: number): number {
    return this.#words[index * 4]!;
  }

  /** Fetches the long ones among these strings. They must be valid: a null has no usable pointer. */
  load(indexes: readonly number[]): void {
    const long = indexes.filter((index) => this.length(index) > INLINE_BYTES);
    long.sort((a, b) => this.#address(a) - this.#address(b));
    this.#spans = [];
    for (let i = 0; i < long.length; ) {
      const first = long[i]!;
      const start = this.#address(first);
      let end = start;
      for (; i < long.length && this.#address(long[i]!) - end < MAX_GAP_BYTES; i++) {
        end = Math.max(end, this.#address(long[i]!) + this.length(long[i]!));
      }
      const pointer = this.#entries.byteOffset + first * STRING_BYTES + 8;
      const bytes = duckdb.get_data_from_pointer(this.#entries.buffer as ArrayBuffer, pointer, end - start);
      this.#spans.push({ start, end, bytes });
    }
  }

  /** Copies a loaded string to `target` at `offset`. */
  copy(index: number, target: Uint8Array, offset: number): void {
    const length = this.length(index);
    if (length <= INLINE_BYTES) {
      const start = index * STRING_BYTES + 4;
      // Byte by byte: for a few bytes a loop is faster than making a view.
      for (let i = 0; i < length; i++) target[offset + i] = this.#entries[start + i]!;
      return;
    }
    const address = this.#address(index);
    const span = this.#spanOf(address);
    target.set(span.bytes.subarray(address - span.start, address - span.start + length), offset);
  }

  #spanOf(address: number): Span {
    const current = this.#current;
    if (current && current.start <= address && address < current.end) return current;
    let low = 0;
    let high = this.#spans.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#spans[middle]!.start <= address) low = middle;
      else high = middle - 1;
    }
    this.#current = this.#spans[low]!;
    return this.#current;
  }

  /** Addresses have 48 bits, which a number holds exactly. */
  #address(index: number): number {
    return this.#words[index * 4 + 3]! * 2 ** 32 + this.#words[index * 4 + 2]!;
  }
}
