import { Unanswerable } from '../../../tasks/task.ts';
import { flacOf } from './flac.ts';
import { mpegOf } from './mpeg.ts';
import { oggOf } from './ogg.ts';
import type { Sound } from './sound.ts';
import { waveOf } from './wave.ts';

/** Other formats, by the bytes at the place given: their names tell a user what to convert. */
const others: readonly { name: string; at: number; bytes: string }[] = [
  { name: 'MP4 (AAC or ALAC)', at: 4, bytes: 'ftyp' },
  { name: 'WebM or Matroska', at: 0, bytes: '\x1aE\xdf\xa3' },
  { name: 'AIFF', at: 0, bytes: 'FORM' },
  { name: 'AMR', at: 0, bytes: '#!AMR' },
  { name: 'Windows Media', at: 0, bytes: '\x30\x26\xb2\x75' },
];

/**
 * Decodes a sound, told by its first bytes: WAV, FLAC, MP3 (and MPEG layers 1 and 2), or Ogg with Vorbis, Opus or FLAC
 * in it. Channels are mixed to one.
 * @throws {Unanswerable} for bytes that are none of these, that are damaged, or that end before the sound does
 * @throws {SluiceError} ONNX_NOT_INSTALLED
 */
export async function soundOf(file: Uint8Array): Promise<Sound> {
  const bytes = untagged(file);
  const begins = (text: string, at = 0) =>
    Buffer.from(bytes.subarray(at, at + text.length)).toString('latin1') === text;
  if (begins('RIFF')) return waveOf(bytes);
  if (begins('fLaC')) return flacOf(bytes);
  if (begins('OggS')) return oggOf(bytes);
  const other = others.find(({ at, bytes: text }) => begins(text, at));
  // A tag promises an MP3, with whatever stands between the two; without one, the first frame comes first.
  const isMpeg =
    bytes !== file || (bytes[0] === 0xff && (bytes[1]! & 0xe0) === 0xe0 && (bytes[1]! & 6) !== 0);
  if (other === undefined && isMpeg) return mpegOf(bytes);
  throw new Unanswerable(
    `the sound is no WAV, FLAC, MP3 or Ogg file${other === undefined ? '' : ` but ${other.name}`}; ` +
      'convert it with ffmpeg -i in -ar 16000 out.wav',
  );
}

/** What comes after the ID3 tags at the beginning, which MP3 files have, and some FLAC files (ID3v2.4.0, 3.1). */
function untagged(bytes: Uint8Array): Uint8Array {
  if (Buffer.from(bytes.subarray(0, 3)).toString('latin1') !== 'ID3' || bytes.length < 10) return bytes;
  const size = bytes.subarray(6, 10).reduce((sum, byte) => sum * 128 + (byte & 127), 0);
  const footer = (bytes[5]! & 0x10) === 0 ? 0 : 10;
  return untagged(bytes.subarray(10 + size + footer));
}
