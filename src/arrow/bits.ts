/**
 * Validity bitmaps as Arrow and DuckDB both keep them: bit `i` of a little-endian bitmap is 1 where item `i` is
 * valid. An absent bitmap means that every item is valid.
 */

/** A bitmap, and the bit in it at which the items begin. */
export interface Bits {
  bytes: Uint8Array;
  start: number;
}

export function isSet(bits: Bits, index: number): boolean {
  const bit = bits.start + index;
  return ((bits.bytes[bit >> 3]! >> (bit & 7)) & 1) === 1;
}

/**
 * `count` bits from item `from` on, moved to the beginning of a bitmap of whole 64-bit words (DuckDB reads words).
 * The bits behind the last item are 1.
 */
export function alignBits(bits: Bits, from: number, count: number): Uint8Array {
  const aligned = new Uint8Array(((count + 63) >> 6) << 3).fill(255);
  const first = bits.start + from;
  const byte = first >> 3;
  const shift = first & 7;
  const length = (count + 7) >> 3;
  if (shift === 0) {
    aligned.set(bits.bytes.subarray(byte, byte + length));
  } else {
    for (let i = 0; i < length; i++) {
      aligned[i] = (bits.bytes[byte + i]! >> shift) | ((bits.bytes[byte + i + 1] ?? 0) << (8 - shift));
    }
  }
  const rest = count & 7;
  if (rest !== 0) aligned[length - 1] = aligned[length - 1]! | (255 << rest);
  return aligned;
}

/** How many of the first `count` bits of an aligned bitmap are 0. */
export function countZeros(aligned: Uint8Array, count: number): number {
  let ones = 0;
  for (let i = 0; i < count; i++) ones += (aligned[i >> 3]! >> (i & 7)) & 1;
  return count - ones;
}

/** Calls `visit` for each run of items that are all valid or all null, in order. */
export function forEachRun(
  bits: Bits | undefined,
  from: number,
  count: number,
  visit: (from: number, count: number, valid: boolean) => void,
): void {
  if (count === 0) return;
  if (!bits) {
    visit(from, count, true);
    return;
  }
  const end = from + count;
  let start = from;
  let valid = isSet(bits, from);
  for (let i = from + 1; i < end; i++) {
    if (isSet(bits, i) === valid) continue;
    visit(start, i - start, valid);
    start = i;
    valid = !valid;
  }
  visit(start, end - start, valid);
}

/** A bitmap that grows. It stays absent until the first 0. */
export class BitmapBuilder {
  #bytes: Uint8Array | undefined;
  #length = 0;
  #zeros = 0;

  /** Appends `count` ones or zeros. */
  fill(value: boolean, count: number): void {
    const start = this.#length;
    this.#length += count;
    if (value && !this.#bytes) return;
    const bytes = this.#reserve();
    if (value) return;
    this.#zeros += count;
    for (let i = start; i < this.#length; i++) bytes[i >> 3] = bytes[i >> 3]! & ~(1 << (i & 7));
  }

  /** The bitmap since the last `take`, absent where all bits are 1, and the number of its zeros. */
  take(): { nullBitmap: Uint8Array | undefined; nullCount: number } {
    const taken = { nullBitmap: this.#bytes?.subarray(0, (this.#length + 7) >> 3), nullCount: this.#zeros };
    this.#bytes = undefined;
    this.#length = 0;
    this.#zeros = 0;
    return taken;
  }

  /** Room for all bits, the new ones 1. */
  #reserve(): Uint8Array {
    const needed = (this.#length + 7) >> 3;
    if (!this.#bytes || this.#bytes.length < needed) {
      const grown = new Uint8Array(Math.max(needed, (this.#bytes?.length ?? 0) * 2)).fill(255);
      if (this.#bytes) grown.set(this.#bytes);
      this.#bytes = grown;
    }
    return this.#bytes;
  }
}
