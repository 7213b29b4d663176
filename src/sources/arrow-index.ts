import { Message, MetadataVersion, type Schema } from 'apache-arrow';
import { SluiceError } from '../errors.ts';
import type { StoredBytes } from '../storage/storage.ts';
import { decodeFooter, decodeMessage, isBigEndian } from './arrow-metadata.ts';
import { endsWith } from './magic.ts';

/** A message of an Arrow file or stream, as a stretch of the file. */
export interface ArrowMessage {
  offset: number;
  /** Prefix, metadata and body. */
  length: number;
}

export interface ArrowBatch extends ArrowMessage {
  /** Rows of the batches before it, and its own. */
  start: number;
  rows: number;
  /** How many of the dictionary messages count for it. */
  dictionaries: number;
}

/** Where everything is in an Arrow file or stream, so that any batch is read without those before it. */
export interface ArrowIndex {
  /** The schema message, with its prefix. */
  schema: Buffer;
  dictionaries: readonly ArrowMessage[];
  batches: readonly ArrowBatch[];
  rows: number;
}

export const FILE_MAGIC = 'ARROW1';
/** The stream in a file begins behind the magic, padded to 8 bytes. */
const FILE_START = 8;
const CONTINUATION = 0xffffffff;
/** Arrow's own limit for the rows of a batch, so that 32 bits count them. */
const MAX_ROWS = 2 ** 31 - 1;

/** @throws {Error} when the file is not sound: its words say why */
export function indexFile(file: StoredBytes): ArrowIndex {
  if (!endsWith(file, FILE_MAGIC))
    throw new RangeError('its end is missing: it was cut off, or is still being written');
  const trailer = 4 + FILE_MAGIC.length;
  const length = readBytes(file, file.size - trailer, 4).readInt32LE();
  const footerStart = file.size - trailer - length;
  if (length <= 0 || footerStart < FILE_START) throw new RangeError(`a footer of ${length} bytes`);
  const footer = decodeFooter(readBytes(file, footerStart, length));
  // The schema at the file's beginning says the same, but the files of arrow-js have none there.
  checkReadable(footer);
  const builder = new IndexBuilder(schemaMessage(footer.schema));
  // Every dictionary of a file counts for every batch of it, wherever it stands.
  for (const offset of footer.dictionaries) builder.add(readMessage(file, offset), 'dictionary');
  for (const offset of footer.recordBatches) builder.add(readMessage(file, offset), 'batch');
  return builder.done();
}

function schemaMessage(schema: Schema): Buffer {
  const metadata = Message.encode(Message.from(schema));
  const message = Buffer.from(new ArrayBuffer(8 + Math.ceil(metadata.length / 8) * 8));
  message.writeUInt32LE(CONTINUATION);
  message.writeUInt32LE(message.length - 8, 4);
  message.set(metadata, 8);
  return message;
}

/** @throws {Error} when the stream is not sound: its words say why */
export function indexStream(file: StoredBytes): ArrowIndex {
  const schema = readMessage(file, 0);
  if (!schema?.message.isSchema()) throw new RangeError('it does not begin with a schema');
  checkReadable({ version: schema.message.version, isBigEndian: isBigEndian(schema.metadata) });
  const builder = new IndexBuilder(readBytes(file, 0, schema.end));
  for (let offset = schema.end; ; ) {
    const message = readMessage(file, offset);
    if (!message) return builder.done();
    builder.add(message);
    offset = message.end;
  }
}

interface FoundMessage {
  message: Message;
  metadata: Buffer;
  offset: number;
  end: number;
}

function checkReadable({ version, isBigEndian }: { version: MetadataVersion; isBigEndian: boolean }): void {
  if (isBigEndian) {
    throw refusedArrow('it is big-endian', 'Write it on a machine of today, or convert it to Parquet.');
  }
  if (version < MetadataVersion.V4) {
    throw refusedArrow('it is of a version before Arrow 0.8', 'Write it again with a newer library.');
  }
}

class IndexBuilder {
  readonly #schema: Buffer;
  readonly #dictionaries: ArrowMessage[] = [];
  readonly #batches: ArrowBatch[] = [];
  #rows = 0;

  constructor(schema: Buffer) {
    this.#schema = schema;
  }

  /** @param kind what the message must be; undefined: either */
  add(found: FoundMessage | undefined, kind?: 'dictionary' | 'batch'): void {
    if (!found) throw new RangeError('a block is empty');
    const { message, offset, end } = found;
    const place = { offset, length: end - offset };
    if (message.isDictionaryBatch() && kind !== 'batch') {
      checkBatch(message.header().data, message.bodyLength);
      this.#dictionaries.push(place);
    } else if (message.isRecordBatch() && kind !== 'dictionary') {
      const { length: rows } = checkBatch(message.header(), message.bodyLength);
      const dictionaries = this.#dictionaries.length;
      this.#batches.push({ ...place, start: this.#rows, rows, dictionaries });
      this.#rows += rows;
    } else throw new RangeError(`an unexpected message at byte ${offset}`);
  }

  done(): ArrowIndex {
    return {
      schema: this.#schema,
      dictionaries: this.#dictionaries,
      batches: this.#batches,
      rows: this.#rows,
    };
  }
}

type BatchHeader = ReturnType<Message<3>['header']>;

/** Checks what apache-arrow takes on trust: that nothing is longer than its bytes. */
function checkBatch(header: BatchHeader, bodyLength: number): BatchHeader {
  if (header.compression) {
    throw refusedArrow(
      'its buffers are compressed, which is not supported',
      "Write it uncompressed: pyarrow.feather.write_feather(table, path, compression='uncompressed').",
    );
  }
  for (const { offset, length } of header.buffers) {
    if (offset < 0 || length < 0 || offset + length > bodyLength) {
      throw new RangeError(`a buffer of ${length} bytes at ${offset} of ${bodyLength}`);
    }
  }
  const lengths = [header.length, ...header.nodes.map((node) => node.length)];
  const longest = lengths.reduce((a, b) => Math.max(a, b), 0);
  if (longest > MAX_ROWS || lengths.some((length) => length < 0))
    throw new RangeError(`${longest} rows in a batch`);
  // Only columns of nothing but nulls take no bit a row.
  if (header.nodes.length > 0 && header.buffers.length > 0 && header.length > bodyLength * 8) {
    throw new RangeError(`${header.length} rows in ${bodyLength} bytes`);
  }
  return header;
}

/** The message at a place; undefined at the end mark, or where the file ends. */
function readMessage(file: StoredBytes, offset: number): FoundMessage | undefined {
  if (offset === file.size) return undefined;
  let prefix = 4;
  let length = readBytes(file, offset, 4).readUInt32LE();
  if (length === CONTINUATION) {
    prefix = 8;
    length = readBytes(file, offset + 4, 4).readUInt32LE();
  }
  if (length === 0) return undefined;
  const metadata = readBytes(file, offset + prefix, length);
  const message = decodeMessage(metadata);
  const end = offset + prefix + length + message.bodyLength;
  if (message.bodyLength < 0 || end > file.size) {
    throw new RangeError(`it ends at byte ${file.size}, within a message of ${message.bodyLength} bytes`);
  }
  return { message, metadata, offset, end };
}

/** @throws {RangeError} when the file has not so many bytes there */
export function readBytes(file: StoredBytes, offset: number, length: number): Buffer {
  if (offset < 0 || offset + length > file.size) {
    throw new RangeError(`it ends at byte ${file.size}, before byte ${offset + length}`);
  }
  // Not from the pool: Arrow's buffers want to begin at a multiple of 8.
  const bytes = Buffer.from(new ArrayBuffer(length));
  if (file.read(bytes, offset) < length) throw new RangeError(`it ends before byte ${offset + length}`);
  return bytes;
}

/** A sound file that is not supported. */
export function refusedArrow(reason: string, next: string): SluiceError {
  return new SluiceError('ARROW_UNSUPPORTED', reason, { next });
}
