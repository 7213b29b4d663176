import { Unanswerable } from '../../../tasks/task.ts';
import { heavy } from '../heavy.ts';
import { decoded } from './decoded.ts';
import type { Sound } from './sound.ts';

/** `fLaC`, a block's header, and in STREAMINFO what comes before the number of samples (RFC 9639, 8.2). */
const totalAt = 21;

/**
 * Decodes a FLAC file.
 * @throws {Unanswerable} for one that is damaged, or holds fewer samples than its header says
 * @throws {SluiceError} ONNX_NOT_INSTALLED
 */
export async function flacOf(bytes: Uint8Array): Promise<Sound> {
  const sound = await flacSound(bytes);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  // 36 bits; 0 where the encoder did not know.
  const total = (view.getUint8(totalAt) & 15) * 2 ** 32 + view.getUint32(totalAt + 1);
  // The decoder passes over frames that it cannot read.
  if (sound.samples.length < total)
    throw new Unanswerable(
      `the FLAC file is damaged or cut off: it has ${sound.samples.length} of ${total} samples`,
    );
  return sound;
}

/** What is in a FLAC file or in an Ogg file with FLAC. @throws {Unanswerable} @throws {SluiceError} ONNX_NOT_INSTALLED */
export async function flacSound(bytes: Uint8Array): Promise<Sound> {
  const { FLACDecoder } = await heavy('@wasm-audio-decoders/flac', () => import('@wasm-audio-decoders/flac'));
  return decoded('FLAC', new FLACDecoder(), (decoder) => decoder.decodeFile(bytes));
}
