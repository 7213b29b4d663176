import type { StoredBytes } from '../storage/storage.ts';

/** How much is read at once. Larger reads are no faster, and a range's end is overshot by one. */
const CHUNK_BYTES = 1024 * 1024;

/** A stretch of a file that moves forward: what a scanner still needs, and what follows it. */
export class ByteWindow {
  /** The bytes in the window. A new view after each `more`. */
  bytes: Buffer = Buffer.alloc(0);
  /** Position in the file of `bytes[0]`. */
  offset: number;
  /** Whether nothing follows the window. */
  atEnd = false;
  readonly #file: StoredBytes;
  #buffer = Buffer.allocUnsafe(CHUNK_BYTES);

  constructor(file: StoredBytes, offset: number) {
    this.#file = file;
    this.offset = offset;
  }

  /**
   * Forgets the bytes before index `keep`, which becomes index 0, and reads on. False at the end of the file, where
   * nothing changes but the index.
   */
  more(keep: number): boolean {
    const kept = this.bytes.length - keep;
    // As much again as is kept: a record that fills many windows is then looked through a few times, not hundreds.
    const size = kept + Math.max(CHUNK_BYTES, kept);
    const target = size > this.#buffer.length ? Buffer.allocUnsafe(size) : this.#buffer;
    this.bytes.copy(target, 0, keep);
    this.#buffer = target;
    this.offset += keep;
    const wanted = target.subarray(kept, Math.min(target.length, kept + Math.max(CHUNK_BYTES, kept)));
    const count = this.#file.read(wanted, this.offset + kept);
    this.bytes = target.subarray(0, kept + count);
    // A read may be short before the end, so only one that gives nothing tells it.
    this.atEnd = count === 0;
    return count > 0;
  }
}
