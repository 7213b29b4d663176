import { brotliDecompressSync, gunzipSync, inflateSync } from 'node:zlib';
import { messageOf } from '../../errors.ts';
import type { CallFailure } from '../backend.ts';
import { unusableBody } from './classify.ts';

const DECODERS: Readonly<Record<string, (body: Buffer, options: { maxOutputLength: number }) => Buffer>> = {
  gzip: gunzipSync,
  'x-gzip': gunzipSync,
  deflate: inflateSync,
  br: brotliDecompressSync,
};

/**
 * The body as it was before the server, or a gateway before it, compressed it. Requests ask for none of that, but some
 * compress all the same, and their answers would count as broken and be asked for again and again.
 *
 * @param encoding the header `content-encoding`: one, or several in the order in which they were applied
 * @param maxBytes more than this is refused: a few kilobytes can become all of the memory
 */
export function decompressed(
  body: Buffer,
  encoding: string | undefined,
  maxBytes: number,
): Buffer | { failure: CallFailure } {
  const codings = (encoding ?? '')
    .toLowerCase()
    .split(',')
    .map((coding) => coding.trim());
  let plain = body;
  for (const coding of codings.reverse()) {
    if (coding === '' || coding === 'identity') continue;
    const decode = Object.hasOwn(DECODERS, coding) ? DECODERS[coding] : undefined;
    if (decode === undefined)
      return { failure: unusableBody(`the answer is compressed as ${coding}, which is not known`, '') };
    try {
      plain = decode(plain, { maxOutputLength: maxBytes });
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE') {
        const message = 'the answer is larger than sluice takes';
        return { failure: { class: 'rejected', kind: 'too_large', message } };
      }
      return { failure: unusableBody(`the answer is no whole ${coding}: ${messageOf(error)}`, '') };
    }
  }
  return plain;
}
