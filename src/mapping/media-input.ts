import { posix } from 'node:path';
import { contentTypeOf } from './content-type.ts';
import { MappingError } from './mapping-error.ts';

/** Bytes of an image or a sound, and what they are. */
export interface Media {
  bytes: Uint8Array;
  contentType: string;
}

/**
 * Reads a file that a row names; undefined where there is none that can be read. Handed in, as the mapping itself
 * touches no disk.
 */
export type ReadFile = (path: string) => Promise<Uint8Array | undefined>;

/**
 * Bytes as an input, if they are what they should be: whatever else a file or a column holds is never sent.
 * @throws {MappingError}
 */
export function mediaOf(kind: 'audio' | 'image', bytes: Uint8Array): Media {
  if (bytes.length === 0) throw new MappingError(`holds no bytes where ${nameOf(kind)} should be`);
  const found = contentTypeOf(bytes);
  // A film's container may hold a sound alone (m4a by another brand, webm from a browser's recorder).
  const contentType = kind === 'audio' ? found?.replace('video/', 'audio/') : found;
  if (contentType?.startsWith(`${kind}/`)) return { bytes, contentType };
  const instead = found === undefined ? '' : ` but ${found}`;
  throw new MappingError(`is not ${nameOf(kind)}${instead}: begins with ${hex(bytes)}`);
}

/**
 * What a text of an audio or image column means: a data URL, or the path of a file, relative to the folder of the
 * source file or else to the working directory.
 * @param sourceFile path of the file that the row is of
 */
export async function mediaAt(
  kind: 'audio' | 'image',
  text: string,
  sourceFile: string,
  readFile: ReadFile,
): Promise<Media> {
  if (/^data:/i.test(text)) return mediaOf(kind, dataUrlBytes(text));
  if (/^https?:/i.test(text))
    throw new MappingError(`is the URL ${brief(text)}; URLs are not fetched, download it first`);
  if (text === '') throw new MappingError('is an empty path');
  const folder = posix.dirname(sourceFile.replaceAll('\\', '/'));
  const candidates = posix.isAbsolute(text) ? [text] : [posix.join(folder, text), posix.normalize(text)];
  for (const path of new Set(candidates)) {
    const bytes = await readFile(path);
    if (bytes !== undefined) return mediaOf(kind, bytes);
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

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.subarray(0, 8))
    .toString('hex')
    .replace(/..(?=.)/g, '$& ');
}

function brief(text: string): string {
  return text.length <= 120 ? text : `${text.slice(0, 120)}…`;
}
