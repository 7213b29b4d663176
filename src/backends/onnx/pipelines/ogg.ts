import { Unanswerable } from '../../../tasks/task.ts';
import { heavy } from '../heavy.ts';
import { decoded } from './decoded.ts';
import { flacSound } from './flac.ts';
import type { Sound } from './sound.ts';

/** A page's header without its table of segments (RFC 3533, 6). */
const headBytes = 27;
const lastPage = 4;

/**
 * Decodes an Ogg file with Vorbis, Opus or FLAC in it.
 * @throws {Unanswerable} for other codecs, for one that is damaged, and for one that ends before its last page
 * @throws {SluiceError} ONNX_NOT_INSTALLED
 */
export async function oggOf(bytes: Uint8Array): Promise<Sound> {
  const head = Buffer.from(bytes.subarray(0, 128)).toString('latin1');
  if (!endsWhole(bytes)) throw new Unanswerable('the Ogg file is cut off: its last page is missing');
  if (head.includes('\x01vorbis')) {
    const { OggVorbisDecoder } = await heavy(
      '@wasm-audio-decoders/ogg-vorbis',
      () => import('@wasm-audio-decoders/ogg-vorbis'),
    );
    return decoded('Ogg Vorbis', new OggVorbisDecoder(), (decoder) => decoder.decodeFile(bytes));
  }
  if (head.includes('OpusHead')) {
    const { OggOpusDecoder } = await heavy('ogg-opus-decoder', () => import('ogg-opus-decoder'));
    return decoded('Ogg Opus', new OggOpusDecoder(), (decoder) => decoder.decodeFile(bytes));
  }
  if (head.includes('\x7fFLAC')) return flacSound(bytes);
  const codec = head.includes('Speex') ? 'Speex' : 'something else';
  throw new Unanswerable(
    `the Ogg file has no Vorbis, Opus or FLAC in it but ${codec}; convert it with ffmpeg -i in -ar 16000 out.wav`,
  );
}

/** Whether the pages follow one another up to one that says it is the last. What comes after it is no concern. */
function endsWhole(bytes: Uint8Array): boolean {
  for (let at = 0; at + headBytes <= bytes.length; ) {
    if (Buffer.from(bytes.subarray(at, at + 4)).toString('latin1') !== 'OggS') return false;
    const table = bytes.subarray(at + headBytes, at + headBytes + bytes[at + 26]!);
    const end = table.reduce((sum, size) => sum + size, at + headBytes + table.length);
    if (end > bytes.length) return false;
    if ((bytes[at + 5]! & lastPage) !== 0) return true;
    at = end;
  }
  return false;
}
