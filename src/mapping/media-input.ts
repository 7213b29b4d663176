import { contentTypeOf } from './content-type.ts';
import { MappingError } from './mapping-error.ts';
import { brief, type MediaReader, namedBytes } from './named-bytes.ts';

/** Bytes of an image or a sound, and what they are. */
export interface Media {
  bytes: Uint8Array;
  contentType: string;
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
  return mediaOf(kind, await namedBytes(text, sourceFile, reader), text);
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
