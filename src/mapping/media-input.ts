import { posix } from 'node:path';
import { contentTypeOf } from './content-type.ts';
import { MappingError } from './mapping-error.ts';

/** Bytes of an image or a sound, and what they are. */
export interface Media {
  bytes: Uint8Array;
  contentType: string;
}

/** Gets what a row names. Handed in, as the mapping itself touches neither disk nor network. */
export interface MediaReader {
  /**
   * Reads a file; undefined where there is none.
   * @param folder of the source file; files outside of it and of the working directory are not read
   * @throws {MappingError} for one that is there but is not read
   */
  readFile(path: string, folder: string): Promise<Uint8Array | undefined>;
  /** Fetches an http(s) URL. @throws {MappingError} */
  fetchUrl(url: string): Promise<Uint8Array>;
}

/**
 * Bytes as an input, if they are what they should be: whatever else a file or a column holds is never sent.
 * @param name the path or URL that they are of, for the message
 * @throws {MappingError}
 */
export function mediaOf(kind: 'audio' | 'image', bytes: Uint8Array, name?: string): Media {
  const where = name === undefined ? '' : `names ${brief(name)}, which `;
  if (bytes.length === 0) throw new MappingError(`${where}holds no bytes where ${nameOf(kind)} should be`);
  const found = contentTypeOf(bytes);
  // A film's container may hold a sound alone (m4a by another brand, webm from a browser's recorder).
  const contentType = kind === 'audio' ? found?.replace('video/', 'audio/') : found;
  if (contentType?.startsWith(`${kind}/`)) return { bytes, contentType };
  throw new MappingError(`${where}is not ${nameOf(kind)}${insteadOf(bytes, found)}`);
}

/**
 * What a text of an audio or image column means: a data URL, an http(s) URL, or the path of a file, relative to the
 * folder of the source file or else to the working directory.
 * @param sourceFile path of the file that the row is of
 */
export async function mediaAt(
  kind: 'audio' | 'image',
  text: string,
  sourceFile: string,
  reader: MediaReader,
): Promise<Media> {
  if (/^data:/i.test(text)) return mediaOf(kind, dataUrlBytes(text));
  if (/^https?:/i.test(text)) return mediaOf(kind, await reader.fetchUrl(text), withoutQuery(text));
  if (text === '') throw new MappingError('is an empty path');
  const folder = posix.dirname(sourceFile.replaceAll('\\', '/'));
  const candidates = posix.isAbsolute(text) ? [text] : [posix.join(folder, text), posix.normalize(text)];
  for (const path of new Set(candidates)) {
    const bytes = await reader.readFile(path, folder);
    if (bytes !== undefined) return mediaOf(kind, bytes, text);
  }
  throw new MappingError(
    `names a file that is not there: ${brief(text)} (looked for ${candidates.map(brief).join(', ')})`,
  );
}

/** RFC 2397: `data:[type][;base64],data`. The type is not believed; the bytes tell. */
function dataUrlBytes(url: string): Uint8Array {
  const comma = url.indexOf(',');
  if (comma < 0) throw new MappingError('is a data URL without a comma');
  const data = url.slice(comma + 1);
  if (/;\s*base64\s*$/i.test(url.slice(0, comma))) return Buffer.from(data, 'base64');
  return Buffer.from(
    data.replace(/%([0-9a-f]{2})/gi, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16))),
    'latin1',
  );
}

function nameOf(kind: 'audio' | 'image'): string {
  return kind === 'image' ? 'an image' : 'a sound';
}

/** What bytes are that are not what they should be. */
function insteadOf(bytes: Uint8Array, contentType: string | undefined): string {
  if (contentType !== undefined) return ` but ${contentType}: begins with ${hex(bytes)}`;
  const head = Buffer.from(bytes.subarray(0, 512)).toString();
  if (/^\s*<(?:!doctype|html)\b/i.test(head)) return ' but an HTML page';
  // Bytes cut off in the middle of a character decode to U+FFFD at the end alone.
  const isText = /^[^\p{Cc}\ufffd]*\ufffd{0,3}$/u.test(head.replaceAll(/[\t\r\n]/g, ' '));
  return isText
    ? ` but a text: begins with ${JSON.stringify(head.slice(0, 40))}`
    : `: begins with ${hex(bytes)}`;
}

/** A query may hold a signature that opens the file to anyone. */
function withoutQuery(url: string): string {
  return url.replace(/[?#].*$/s, '');
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.subarray(0, 8))
    .toString('hex')
    .replace(/..(?=.)/g, '$& ');
}

function brief(text: string): string {
  return text.length <= 120 ? text : `${text.slice(0, 120)}…`;
}
