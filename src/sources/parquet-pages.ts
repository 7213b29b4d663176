import { setImmediate } from 'node:timers/promises';
import { crc32 } from 'node:zlib';
import type { StoredBytes } from '../storage/storage.ts';

/**
 * The checksums of Parquet's pages, which DuckDB does not look at: a flipped bit in numbers that are not compressed
 * would be another number. Spark writes them; most others do not.
 * @see https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift PageHeader
 */

/** One column of one row group. */
export interface ColumnChunk {
  column: string;
  /** Where its first page begins, and the byte after its last. */
  start: number;
  end: number;
}

/** What is needed of a page's header. */
interface PageHeader {
  /** Bytes of the header itself. */
  length: number;
  /** Bytes of the page after it, as stored. */
  bodyLength: number;
  /** CRC32 of these, where the writer gave one. */
  checksum: number | undefined;
}

/** Headers have statistics, which may hold long texts. */
const HEADER_BYTES = 64 * 1024;
const BODY_BYTES = 1024 * 1024;

/** Where a page is that does not fit its checksum; undefined when there is none, or no page has one. */
export async function damagedPage(
  file: StoredBytes,
  chunks: readonly ColumnChunk[],
): Promise<{ column: string; offset: number } | undefined> {
  for (const { column, start, end } of chunks) {
    for (let at = start; at < Math.min(end, file.size); ) {
      const header = headerAt(file, at);
      // DuckDB says what is wrong with it.
      if (!header) break;
      // A writer gives all pages one, or none.
      if (header.checksum === undefined) return undefined;
      const found = await checksumOf(file, at + header.length, header.bodyLength);
      if (found !== header.checksum) return { column, offset: at };
      at += header.length + header.bodyLength;
    }
  }
  return undefined;
}

async function checksumOf(file: StoredBytes, start: number, length: number): Promise<number> {
  let checksum = 0;
  for (let done = 0; done < length; ) {
    const piece = Buffer.allocUnsafe(Math.min(BODY_BYTES, length - done));
    const count = file.read(piece, start + done);
    if (count === 0) break;
    checksum = crc32(piece.subarray(0, count), checksum);
    done += count;
  }
  // Other work gets its turn.
  await setImmediate();
  return checksum;
}

/** The header at a place, or undefined when there is nothing that can be one. */
function headerAt(file: StoredBytes, offset: number): PageHeader | undefined {
  const bytes = Buffer.alloc(Math.min(HEADER_BYTES, Math.max(0, file.size - offset)));
  const count = file.read(bytes, offset);
  try {
    return readHeader(new CompactReader(bytes.subarray(0, count)));
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

const COMPRESSED_PAGE_SIZE = 3;
const CRC = 4;

function readHeader(reader: CompactReader): PageHeader {
  let bodyLength = -1;
  let checksum: number | undefined;
  reader.fields((id, type) => {
    if (id === COMPRESSED_PAGE_SIZE) bodyLength = reader.integer();
    else if (id === CRC) checksum = reader.integer() >>> 0;
    else reader.skip(type);
  });
  if (bodyLength < 0) throw new RangeError('a page without a length');
  return { length: reader.at, bodyLength, checksum };
}

/** Thrift's compact protocol, as far as headers need it. */
class CompactReader {
  at = 0;
  readonly #bytes: Buffer;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** Goes through the fields of a struct; `use` reads or skips each value. */
  fields(use: (id: number, type: number) => void): void {
    let id = 0;
    for (let head = this.#byte(); head !== 0; head = this.#byte()) {
      const delta = head >> 4;
      id = delta === 0 ? this.integer() : id + delta;
      use(id, head & 15);
    }
  }

  /** A zigzag integer of 32 bits. */
  integer(): number {
    const value = this.#varint();
    return Number(BigInt.asIntN(32, (value >> 1n) ^ -(value & 1n)));
  }

  /** Passes over a value. Truth values of fields are in their type and take no byte. */
  skip(type: number, inList = false): void {
    if (type === 1 || type === 2) this.at += inList ? 1 : 0;
    else if (type === 3) this.at++;
    else if (type >= 4 && type <= 6) this.#varint();
    else if (type === 7) this.at += 8;
    else if (type === 8) this.at += Number(this.#varint());
    else if (type === 9 || type === 10) this.#skipList();
    else if (type === 12) this.fields((_, inner) => this.skip(inner));
    else throw new RangeError(`no thrift type of a page header: ${type}`);
    // A list may claim any number of items.
    if (this.at > this.#bytes.length) throw new RangeError('a header without end');
  }

  #skipList(): void {
    const head = this.#byte();
    const count = head >> 4 === 15 ? Number(this.#varint()) : head >> 4;
    for (let i = 0; i < count; i++) this.skip(head & 15, true);
  }

  #varint(): bigint {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = this.#byte();
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return value;
      if (shift > 63n) throw new RangeError('an integer without end');
    }
  }

  #byte(): number {
    // A RangeError beyond the end.
    return this.#bytes.readUInt8(this.at++);
  }
}
