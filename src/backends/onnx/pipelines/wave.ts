import { Unanswerable } from '../../../tasks/task.ts';
import type { Sound } from './sound.ts';

const formats = { pcm: 1, float: 3, extensible: 0xfffe };

/**
 * Decodes a WAV file (RIFF, integers of 8 to 32 bits or floats), with its channels mixed to one.
 * @throws {Unanswerable} for other bytes
 */
export function waveOf(bytes: Uint8Array): Sound {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const tag = (at: number) => Buffer.from(bytes.subarray(at, at + 4)).toString('latin1');
  if (bytes.length < 12 || tag(0) !== 'RIFF' || tag(8) !== 'WAVE')
    throw new Unanswerable('the sound is no WAV file');
  let format: { code: number; channels: number; rate: number; bits: number } | undefined;
  for (let at = 12; at + 8 <= bytes.length; ) {
    const [name, size, start] = [tag(at), view.getUint32(at + 4, true), at + 8];
    if (name === 'fmt ' && start + 16 <= bytes.length) {
      const code = view.getUint16(start, true);
      format = {
        // The real code of an extensible header stands at the beginning of its GUID.
        code: code === formats.extensible && size >= 26 ? view.getUint16(start + 24, true) : code,
        channels: view.getUint16(start + 2, true),
        rate: view.getUint32(start + 4, true),
        bits: view.getUint16(start + 14, true),
      };
    }
    if (name === 'data' && format !== undefined) {
      // A recorder that was cut off has written a size that was never filled.
      const end = Math.min(bytes.length, start + size);
      return { samples: mixed(view, start, end, format), rate: format.rate };
    }
    at = start + size + (size & 1);
  }
  throw new Unanswerable('the WAV file has no sound in it');
}

function mixed(
  view: DataView,
  start: number,
  end: number,
  { code, channels, bits }: { code: number; channels: number; bits: number },
): Float32Array {
  const read = readers[`${code}/${bits}`];
  if (read === undefined || channels === 0)
    throw new Unanswerable(
      `the WAV file has ${channels} channels of ${bits} bits in format ${code}, which is not read`,
    );
  const width = bits / 8;
  const frames = Math.floor((end - start) / (width * channels));
  const samples = new Float32Array(frames);
  for (let frame = 0, at = start; frame < frames; frame++) {
    let sum = 0;
    for (let channel = 0; channel < channels; channel++, at += width) sum += read(view, at);
    samples[frame] = sum / channels;
  }
  return samples;
}

const readers: Readonly<Record<string, (view: DataView, at: number) => number>> = {
  [`${formats.pcm}/8`]: (view, at) => (view.getUint8(at) - 128) / 128,
  [`${formats.pcm}/16`]: (view, at) => view.getInt16(at, true) / 32_768,
  [`${formats.pcm}/24`]: (view, at) => (view.getUint16(at, true) + view.getInt8(at + 2) * 65_536) / 8_388_608,
  [`${formats.pcm}/32`]: (view, at) => view.getInt32(at, true) / 2_147_483_648,
  [`${formats.float}/32`]: (view, at) => view.getFloat32(at, true),
  [`${formats.float}/64`]: (view, at) => view.getFloat64(at, true),
};
