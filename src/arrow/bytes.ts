/** Bytes that are appended to. What is taken out is not written again. */
export class GrowingBytes {
  #bytes = new Uint8Array(0);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** `count` zero bytes at the end, to be written by the caller before the next call. */
  grow(count: number): Uint8Array {
    const start = this.#length;
    const end = start + count;
    if (end > this.#bytes.length) {
      // Exact at first: most batches are one chunk.
      const grown = new Uint8Array(start === 0 ? end : Math.max(end, this.#bytes.length * 2));
      grown.set(this.#bytes.subarray(0, start));
      this.#bytes = grown;
    }
    this.#length = end;
    return this.#bytes.subarray(start, end);
  }

  append(bytes: Uint8Array): void {
    this.grow(bytes.length).set(bytes);
  }

  /** Everything appended since the last `take`, in a buffer of its own, aligned for every typed array. */
  take(): Uint8Array {
    const taken = this.#bytes.subarray(0, this.#length);
    this.#bytes = new Uint8Array(0);
    this.#length = 0;
    return taken;
  }
}
