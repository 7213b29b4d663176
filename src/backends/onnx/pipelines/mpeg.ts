import { Unanswerable } from '../../../tasks/task.ts';
import { heavy } from '../heavy.ts';
import { decoded } from './decoded.ts';
import type { Sound } from './sound.ts';

/** Frames of silence that an encoder puts around the sound and the decoder takes away again, at most. */
const paddingFrames = 3;

/**
 * Decodes an MP3 file, or one of MPEG layers 1 and 2.
 *
 * A file without a count of its frames (constant bit rate, from plain encoders) does not tell where it should end.
 * @throws {Unanswerable} for one that is damaged, or has fewer frames than it says
 * @throws {SluiceError} ONNX_NOT_INSTALLED
 */
export async function mpegOf(bytes: Uint8Array): Promise<Sound> {
  const { MPEGDecoder } = await heavy('mpg123-decoder', () => import('mpg123-decoder'));
  const sound = await decoded('MP3', new MPEGDecoder(), (decoder) => decoder.decode(bytes));
  const { frames, samplesAFrame } = promised(bytes);
  const has = Math.ceil(sound.samples.length / samplesAFrame);
  if (has < frames - paddingFrames)
    throw new Unanswerable(`the MP3 file is cut off: it has ${has} of ${frames} frames`);
  return sound;
}

/** What the first frame says of the whole: a Xing, Info or VBRI header in the place of sound. 0 frames: nothing. */
function promised(bytes: Uint8Array): { frames: number; samplesAFrame: number } {
  const start = bytes.findIndex((byte, i) => byte === 0xff && (bytes[i + 1]! & 0xe0) === 0xe0);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (start < 0 || bytes.length < start + 64) return { frames: 0, samplesAFrame: 1152 };
  const isVersion1 = (bytes[start + 1]! & 0x18) === 0x18;
  const isMono = bytes[start + 3]! >> 6 === 3;
  const samplesAFrame = isVersion1 ? 1152 : 576;
  // The header of the frame, and the side information, which differs in length (ISO/IEC 11172-3, 2.4.1.7; 13818-3).
  const side = isVersion1 ? (isMono ? 17 : 32) : isMono ? 9 : 17;
  const tag = (at: number) => Buffer.from(bytes.subarray(at, at + 4)).toString('latin1');
  const xing = start + 4 + side;
  const vbri = start + 36;
  if (['Xing', 'Info'].includes(tag(xing)) && (view.getUint32(xing + 4) & 1) === 1)
    return { frames: view.getUint32(xing + 8), samplesAFrame };
  if (tag(vbri) === 'VBRI') return { frames: view.getUint32(vbri + 14), samplesAFrame };
  return { frames: 0, samplesAFrame };
}
