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
