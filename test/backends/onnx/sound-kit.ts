import { createMp3Encoder, createOggEncoder } from 'wasm-media-encoders';

/** The bytes of a WAV file. */
export function wave(
  samples: readonly number[],
  { bits, rate, channels = 1 }: { bits: number; rate: number; channels?: number },
): Buffer {
  const width = bits / 8;
  const data = Buffer.alloc(samples.length * width);
  for (const [i, sample] of samples.entries()) {
    if (bits === 8) data.writeUInt8(Math.round(sample * 127 + 128), i);
    else data.writeIntLE(Math.round(sample * (2 ** (bits - 1) - 1)), i * width, width);
  }
  const head = Buffer.alloc(44);
  head.write('RIFF', 0);
  head.writeUInt32LE(36 + data.length, 4);
  head.write('WAVEfmt ', 8);
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(1, 20);
  head.writeUInt16LE(channels, 22);
  head.writeUInt32LE(rate, 24);
  head.writeUInt32LE(rate * channels * width, 28);
  head.writeUInt16LE(channels * width, 32);
  head.writeUInt16LE(bits, 34);
  head.write('data', 36);
  head.writeUInt32LE(data.length, 40);
  return Buffer.concat([head, data]);
}

/** Tones, one after the other, with a pause after each, in seconds. */
export function tones(frequencies: readonly number[], rate: number, seconds: number, pause = 0): number[] {
  return frequencies.flatMap((frequency) => [
    ...Array.from(
      { length: Math.round(rate * seconds) },
      (_, i) => 0.5 * Math.sin((2 * Math.PI * frequency * i) / rate),
    ),
    ...new Array<number>(Math.round(rate * pause)).fill(0),
  ]);
}

/** The bytes of a FLAC file of 16 bits that stores its samples as they are (RFC 9639). */
export function flac(channels: readonly (readonly number[])[], rate: number): Buffer {
  const total = channels[0]!.length;
  const block = 1024;
  const info = Buffer.alloc(34);
  info.writeUInt16BE(block, 0);
  info.writeUInt16BE(block, 2);
  info.writeBigUInt64BE(
    (BigInt(rate) << 44n) | (BigInt(channels.length - 1) << 41n) | (15n << 36n) | BigInt(total),
    10,
  );
  const frames: Buffer[] = [];
  for (let from = 0; from < total; from += block) {
    const size = Math.min(block, total - from);
    const head = [0xff, 0xf8, 0x7d, ((channels.length - 1) << 4) | 8, frames.length, (size - 1) >> 8];
    head.push((size - 1) & 255, rate >> 8, rate & 255);
    const frame = [...head, checksum(head, 8, 0x07)];
    for (const samples of channels) {
      frame.push(2);
      for (const sample of samples.slice(from, from + size)) {
        const value = Math.round(sample * 32_767);
        frame.push((value >> 8) & 255, value & 255);
      }
    }
    const footer = checksum(frame, 16, 0x8005);
    frames.push(Buffer.from([...frame, footer >> 8, footer & 255]));
  }
  return Buffer.concat([Buffer.from('fLaC'), Buffer.from([0x80, 0, 0, 34]), info, ...frames]);
}

/** The bytes of an Ogg file with one packet a page; the last one is marked as such (RFC 3533). */
export function ogg(packets: readonly { bytes: Uint8Array; granule: number }[]): Buffer {
  return Buffer.concat(
    packets.map(({ bytes, granule }, i) => {
      const head = Buffer.alloc(28);
      head.write('OggS', 0);
      head[5] = i === 0 ? 2 : i === packets.length - 1 ? 4 : 0;
      head.writeBigInt64LE(BigInt(granule), 6);
      head.writeUInt32LE(1, 14);
      head.writeUInt32LE(i, 18);
      head[26] = 1;
      head[27] = bytes.length;
      const page = Buffer.concat([head, bytes]);
      page.writeUInt32LE(checksum(page, 32, 0x04c11db7), 22);
      return page;
    }),
  );
}

/** Silence as Ogg Opus, in packets of 20 ms (RFC 7845). */
export function opusSilence(packets: number): Buffer {
  const preSkip = 312;
  const head = Buffer.from('OpusHead\x01\x01\0\0\0\0\0\0\0\0\0', 'latin1');
  head.writeUInt16LE(preSkip, 10);
  head.writeUInt32LE(48_000, 12);
  const tags = Buffer.from('OpusTags\0\0\0\0\0\0\0\0', 'latin1');
  const silence = Buffer.from([0xf8, 0xff, 0xfe]);
  return ogg([
    { bytes: head, granule: 0 },
    { bytes: tags, granule: 0 },
    ...Array.from({ length: packets }, (_, i) => ({ bytes: silence, granule: (i + 1) * 960 })),
  ]);
}

/** The bytes of an MP3 or Ogg Vorbis file, by the encoders that everybody uses (LAME, libvorbis). */
export async function compressed(
  type: 'audio/mpeg' | 'audio/ogg',
  samples: readonly number[],
  rate: number,
): Promise<Buffer> {
  const encoder = await (type === 'audio/mpeg' ? createMp3Encoder() : createOggEncoder());
  encoder.configure({ sampleRate: rate, channels: 1 });
  // What the encoder gives is its own memory, which the next call overwrites.
  return Buffer.concat([
    Buffer.from(encoder.encode([Float32Array.from(samples)])),
    Buffer.from(encoder.finalize()),
  ]);
}

/** A cyclic redundancy check of so many bits, most significant first, starting at 0. */
function checksum(bytes: Iterable<number>, bits: 8 | 16 | 32, polynomial: number): number {
  let sum = 0;
  for (const byte of bytes) {
    for (let bit = 7; bit >= 0; bit--) {
      const top = (sum >>> (bits - 1)) & 1;
      sum = (sum << 1) ^ (top === ((byte >> bit) & 1) ? 0 : polynomial);
    }
  }
  return bits === 32 ? sum >>> 0 : sum & (2 ** bits - 1);
}
