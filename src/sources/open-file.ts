import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { Decompress } from 'fzstd';
import { messageOf, SluiceError } from '../errors.ts';
import type { StoredBytes } from '../storage/storage.ts';
import type { FormatContext, OpenFile, SourceFile, SourceFormat } from './format.ts';
import { describeKind, endsWith, formatOf, type Kind, kindOf } from './magic.ts';

const CHUNK_BYTES = 1024 * 1024;
/** zstd makes up to 15,000 times as many bytes of its own. */
const ZSTD_STEP_BYTES = 16 * 1024;

/**
 * Makes a file ready for its format: says what it is when it is not what it is named, and spools gzip, zstd and UTF-16 to
 * a temporary file of plain UTF-8.
 */
export async function prepare(source: SourceFile, context: FormatContext): Promise<OpenFile> {
  const { path, size, format } = source;
  const { members } = source;
  if (members !== undefined) return { path, local: path, size, members };
  const file: OpenFile = { path, local: path, size };
  if (size === 0) throw empty(file);
  const bytes = openUnchanged(file, context);
  try {
    const kind = kindOf(bytes);
    if (format === 'parquet') checkParquet(file, bytes, kind);
    else if (format === 'arrow') checkArrow(file, bytes, kind);
    else return await prepareText(file, bytes, kind, format, context);
    return file;
  } finally {
    bytes.close();
  }
}

/**
 * Opens a file's bytes for reading.
 * @throws {SluiceError} `SOURCE_CHANGED` when it is not as long as it was: its rows would be other rows
 */
export function openUnchanged(file: OpenFile, { storage }: FormatContext): StoredBytes {
  const bytes = storage.open(file.local);
  if (bytes.size === file.size) return bytes;
  bytes.close();
  throw new SluiceError(
    'SOURCE_CHANGED',
    `source file changed while it was read: ${file.path} (${file.size} bytes before, ${bytes.size} now)`,
    { next: 'Run the same command again when nothing writes to it any more.' },
  );
}

/** Uses a file's bytes and closes them. */
export async function withBytes<T>(
  file: OpenFile,
  context: FormatContext,
  use: (bytes: StoredBytes) => T | Promise<T>,
): Promise<T> {
  const bytes = openUnchanged(file, context);
  try {
    return await use(bytes);
  } finally {
    bytes.close();
  }
}

/** A file that cannot be read as what it is named. `reason` says why, `next` what to do. */
export function unreadable(
  file: Pick<OpenFile, 'path'>,
  reason: string,
  next: string,
  cause?: unknown,
): SluiceError {
  return new SluiceError('SOURCE_CORRUPT', `source cannot be read: ${file.path} (${reason})`, {
    next,
    cause,
  });
}

/** A file in which there is nothing, where there should be something. */
export function empty(file: Pick<SourceFile, 'path' | 'size'>): SluiceError {
  const unpacked = /\.(gz|zst)$/i.test(file.path) ? 'it is empty when unpacked' : 'there is no line in it';
  return unreadable(
    file,
    file.size === 0 ? 'it is empty, 0 bytes' : unpacked,
    'Write it again, or leave it out of source.path.',
  );
}

function checkParquet(file: OpenFile, bytes: StoredBytes, kind: Kind): void {
  if (kind !== 'parquet') throw notNamed(file, kind, 'parquet');
  if (endsWith(bytes, 'PAR1')) return;
  const reason = endsWith(bytes, 'PARE')
    ? 'its footer is encrypted'
    : 'its end is missing: it was cut off, or is still being written';
  throw unreadable(file, reason, 'Write the file again, or leave it out of source.path.');
}

function checkArrow(file: OpenFile, bytes: StoredBytes, kind: Kind): void {
  if (kind === 'arrow file' || kind === 'arrow stream') return;
  // A stream of before 2019 begins with a length instead of a signature.
  const head = Buffer.alloc(4);
  bytes.read(head, 0);
  const length = head.readInt32LE();
  if (length <= 0 || length >= file.size) throw notNamed(file, kind, 'arrow');
}

async function prepareText(
  file: OpenFile,
  bytes: StoredBytes,
  kind: Kind,
  format: SourceFormat,
  context: FormatContext,
): Promise<OpenFile> {
  if (kind === 'gzip' || kind === 'zstd') {
    const unpacked = kind === 'gzip' ? gunzipped(file, bytes) : unzstd(file, bytes);
    const plain = await spool(file, unpacked, context);
    if (plain.size === 0) return plain;
    return withBytes(plain, context, (text) => {
      const inner = kindOf(text);
      if (inner === 'gzip' || inner === 'zstd') throw notNamed(file, inner, format);
      return prepareText(plain, text, inner, format, context);
    });
  }
  const packed = /\.(gz|zst)$/i.exec(file.local)?.[0];
  if (packed !== undefined) {
    const next = `Remove ${packed} from its name if it is not compressed.`;
    throw unreadable(file, `it is named ${packed} but looks like ${describeKind(kind)}`, next);
  }
  if (kind === 'utf-16le' || kind === 'utf-16be') return spool(file, transcoded(file, bytes, kind), context);
  if (kind !== 'text') throw notNamed(file, kind, format);
  return file;
}

function notNamed(file: OpenFile, kind: Kind, format: SourceFormat): SluiceError {
  const reason = `it is to be read as ${format}, but looks like ${describeKind(kind)}`;
  const other = formatOf(kind);
  const next =
    other && other !== format
      ? `Set source.format to ${other}, or correct the name of the file.`
      : 'Correct the name of the file, or leave it out of source.path.';
  return unreadable(file, reason, next);
}

async function spool(
  file: OpenFile,
  content: AsyncIterable<Uint8Array>,
  { scratch, storage }: FormatContext,
): Promise<OpenFile> {
  const local = await scratch.spool(content);
  const stored = await storage.stat(local);
  return { path: file.path, local, size: stored?.size ?? 0 };
}

async function* gunzipped(file: OpenFile, bytes: StoredBytes): AsyncGenerator<Uint8Array> {
  const gunzip = createGunzip({ chunkSize: CHUNK_BYTES });
  // An error at either end destroys the stream, so that it is thrown below; there is nothing to do at the end.
  pipeline(chunksOf(bytes), gunzip, () => undefined);
  const next = 'Write the file again, or leave it out of source.path.';
  try {
    yield* gunzip as AsyncIterable<Uint8Array>;
  } catch (error) {
    throw unreadable(file, `broken gzip: ${messageOf(error)}`, next, error);
  }
  // Zlib checks what it reads, but stops at zeros: padding, or a hole with more text behind it.
  const more = firstNotZero(bytes, gunzip.bytesWritten);
  if (more !== undefined)
    throw unreadable(file, `broken gzip: it goes on at byte ${more}, behind zeros`, next);
}

/** Where the first byte that is not zero stands, from a place on. */
function firstNotZero(bytes: StoredBytes, from: number): number | undefined {
  let at = from;
  for (const chunk of chunksOf(bytes, CHUNK_BYTES, from)) {
    const found = chunk.findIndex((byte) => byte !== 0);
    if (found >= 0) return at + found;
    at += chunk.length;
  }
  return undefined;
}

/** Node has no zstd before its version 22. */
async function* unzstd(file: OpenFile, bytes: StoredBytes): AsyncGenerator<Uint8Array> {
  let unpacked: Uint8Array[] = [];
  const decompress = new Decompress((chunk) => unpacked.push(chunk));
  const flush = () => {
    const chunks = unpacked;
    unpacked = [];
    return chunks;
  };
  try {
    // In steps that are small: what one of them unpacks to is in memory as a whole.
    for (const chunk of chunksOf(bytes, ZSTD_STEP_BYTES)) {
      decompress.push(chunk);
      yield* flush();
    }
    decompress.push(new Uint8Array(0), true);
    yield* flush();
  } catch (error) {
    if (error instanceof SluiceError) throw error;
    const next = 'Write the file again, or leave it out of source.path.';
    throw unreadable(file, `broken zstd: ${messageOf(error)}`, next, error);
  }
}

async function* transcoded(
  file: OpenFile,
  bytes: StoredBytes,
  encoding: 'utf-16le' | 'utf-16be',
): AsyncGenerator<Uint8Array> {
  const decoder = new TextDecoder(encoding, { fatal: true });
  try {
    for (const chunk of chunksOf(bytes)) yield Buffer.from(decoder.decode(chunk, { stream: true }));
    yield Buffer.from(decoder.decode());
  } catch (error) {
    throw unreadable(
      file,
      `broken ${encoding.toUpperCase()} text`,
      `Convert it to UTF-8: iconv -t utf-8`,
      error,
    );
  }
}

function* chunksOf(bytes: StoredBytes, size = CHUNK_BYTES, from = 0): Generator<Buffer> {
  for (let position = from; position < bytes.size; ) {
    const chunk = Buffer.allocUnsafe(size);
    const count = bytes.read(chunk, position);
    if (count === 0) return;
    yield chunk.subarray(0, count);
    position += count;
  }
}
