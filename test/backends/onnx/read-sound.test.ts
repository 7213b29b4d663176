import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { soundOf } from '../../../src/backends/onnx/pipelines/read-sound.ts';
import type { Sound } from '../../../src/backends/onnx/pipelines/sound.ts';
import { waveOf } from '../../../src/backends/onnx/pipelines/wave.ts';
import { Unanswerable } from '../../../src/tasks/task.ts';
import { compressed, flac, ogg, opusSilence, tones, wave } from './sound-kit.ts';

// The decoders tell the console of damage, too.
beforeEach(() => void vi.spyOn(console, 'error').mockReturnValue(undefined));

const rate = 16_000;
const melody = tones([440, 660, 550], rate, 0.5, 0.1);

/** How alike two recordings are, 1 for the same, where one may start up to so many samples later than the other. */
function likeness(ours: ArrayLike<number>, theirs: ArrayLike<number>, mostLate = 0): number {
  let best = -1;
  for (let late = 0; late <= mostLate; late++) {
    const length = Math.min(theirs.length, ours.length - late);
    let [both, one, other] = [0, 0, 0];
    for (let i = 0; i < length; i++) {
      both += ours[i + late]! * theirs[i]!;
      one += ours[i + late]! ** 2;
      other += theirs[i]! ** 2;
    }
    best = Math.max(best, both / Math.sqrt(one * other));
  }
  return best;
}

describe('a FLAC file', () => {
  test('is read sample by sample', async () => {
    const { samples, rate: found } = await soundOf(flac([melody], rate));
    expect(found).toBe(rate);
    expect(samples).toHaveLength(melody.length);
    for (const [i, sample] of melody.entries()) expect(Math.abs(samples[i]! - sample)).toBeLessThan(1e-4);
  });

  test('of two channels is mixed to one', async () => {
    const { samples } = await soundOf(flac([melody, melody.map((x) => -x)], rate));
    expect(Math.max(...samples)).toBeLessThan(1e-4);
  });

  test('behind an ID3 tag is read', async () => {
    const tag = Buffer.concat([Buffer.from('ID3\x04\0\0\0\0\0\x05', 'latin1'), Buffer.alloc(5)]);
    expect((await soundOf(Buffer.concat([tag, flac([melody], rate)]))).samples).toHaveLength(melody.length);
  });

  test('that ends early fails its row and says how much is there', async () => {
    const whole = flac([melody], rate);
    await expect(soundOf(whole.subarray(0, whole.length / 2))).rejects.toThrow(
      /damaged or cut off: it has \d+ of 28800 samples/,
    );
  });

  test('with a damaged middle fails its row', async () => {
    const bytes = flac([melody], rate);
    bytes.fill(0, 20_000, 24_000);
    await expect(soundOf(bytes)).rejects.toThrow(/damaged/);
  });
});

describe('an MP3 file', () => {
  test('sounds like what was encoded', async () => {
    const { samples, rate: found } = await soundOf(await compressed('audio/mpeg', melody, rate));
    expect(found).toBe(rate);
    // Encoders put silence before it, which files without their header cannot be rid of.
    expect(likeness(samples, melody, 2400)).toBeGreaterThan(0.999);
  });

  test('with fewer frames than its first one promises fails its row', async () => {
    const whole = await compressed('audio/mpeg', melody, rate);
    const promising = (frames: number) => {
      // MPEG 2, layer 3, 64 kbit/s, 16 kHz, one channel: 288 bytes; side information of 9 bytes.
      const frame = Buffer.alloc(288);
      Buffer.from([0xff, 0xf3, 0x88, 0xc4]).copy(frame);
      frame.write('Xing', 13);
      frame.writeUInt32BE(1, 17);
      frame.writeUInt32BE(frames, 21);
      return Buffer.concat([frame, whole]);
    };
    await expect(soundOf(promising(500))).rejects.toThrow(/cut off: it has \d+ of 500 frames/);
    expect((await soundOf(promising(50))).rate).toBe(rate);
  });

  test('that is a tag and nothing else fails its row', async () => {
    await expect(soundOf(Buffer.from('ID3\x03\0\0\0\0\0\0', 'latin1'))).rejects.toThrow(/no sound in it/);
  });
});

describe('an Ogg file', () => {
  test('of Vorbis sounds like what was encoded and is as long', async () => {
    const { samples, rate: found } = await soundOf(await compressed('audio/ogg', melody, rate));
    expect(found).toBe(rate);
    expect(Math.abs(samples.length - melody.length)).toBeLessThan(melody.length / 100);
    expect(likeness(samples, melody)).toBeGreaterThan(0.99);
  });

  test('of Opus is as long as its packets, without the decoder’s run-in', async () => {
    const { samples, rate: found } = await soundOf(opusSilence(50));
    expect(found).toBe(48_000);
    expect(samples).toHaveLength(48_000 - 312);
  });

  test.each([0.3, 0.6, 0.999])('that ends at %f of its length fails its row', async (share) => {
    for (const whole of [opusSilence(50), await compressed('audio/ogg', melody, rate)])
      await expect(soundOf(whole.subarray(0, Math.floor(whole.length * share)))).rejects.toThrow(/cut off/);
  });

  test('of another codec fails its row with its name', async () => {
    const speex = { bytes: Buffer.from('Speex   1.2'), granule: 0 };
    await expect(soundOf(ogg([speex, speex]))).rejects.toThrow(/Speex/);
  });
});

describe('what is no sound that is read fails its row with what it is', () => {
  test.each([
    ['no WAV, FLAC, MP3 or Ogg file;', Buffer.from('not a sound')],
    ['no WAV, FLAC, MP3 or Ogg file;', Buffer.alloc(0)],
    ['but MP4', Buffer.from('\0\0\0\x1cftypM4A ', 'latin1')],
    ['but WebM', Buffer.from('\x1aE\xdf\xa3', 'latin1')],
    ['but AIFF', Buffer.from('FORM\0\0\0\0AIFF', 'latin1')],
    ['FLAC', Buffer.from('fLaC and so on')],
  ])('%s', async (words, bytes) => {
    await expect(soundOf(bytes)).rejects.toThrow(Unanswerable);
    await expect(soundOf(bytes)).rejects.toThrow(words);
  });

  test('and a WAV file still is a WAV file', async () => {
    expect((await soundOf(wave(melody, { bits: 16, rate }))).samples).toHaveLength(melody.length);
  });
});

const recordings = join(process.env.SLUICE_SHARED ?? '../shared', 'data/audio');

describe.skipIf(!existsSync(recordings))('real recordings', () => {
  const read = (name: string): Promise<Sound> => soundOf(readFileSync(join(recordings, name)));

  test.each([
    ['whisper/jfk.flac', 44_100, 11],
    ['tinytag/flac1.5sStereo.flac', 44_100, 1.5],
    ['pydub/bach.ogg', 44_100, 3.06],
    ['pydub/test3.mp3', 44_100, 8.33],
    ['tinytag/vbr22stereo.mp3', 22_050, 9.12],
    ['tinytag/vbr48stereo.mp3', 48_000, 9.07],
    ['tinytag/silence-22khz-mono-1s.mp3', 22_050, 1.07],
    ['api-inference-community/sample1_dual.ogg', 16_000, 13.69],
    ['tinytag/multipage-setup.ogg', 44_100, 4.13],
    ['tinytag/data_after_eos.ogg', 44_100, 3.68],
    ['tinytag/8khz_5s.opus', 48_000, 5.01],
  ])('%s: %i Hz, %d s', async (name, expected, seconds) => {
    const { samples, rate: found } = await read(name);
    expect(found).toBe(expected);
    expect(Math.abs(samples.length / found / seconds - 1)).toBeLessThan(0.01);
  });

  test.each([
    ['api-inference-community/malformed.flac', 'no WAV, FLAC, MP3 or Ogg file'],
    ['tinytag/variable-block.flac', 'it has 39936 of 11540088 samples'],
    ['tinytag/vbri.mp3', 'cut off'],
    ['tinytag/mpeg1_44khz.mp3', 'no sound in it'],
    ['tinytag/no_bitrate.spx', 'Speex'],
    ['pydub/wrong_extension.aac', 'MP4'],
    ['pydub/test5.webm', 'WebM'],
  ])('%s fails its row: %s', async (name, words) => {
    await expect(read(name)).rejects.toThrow(words);
  });

  test('speech sounds the same from WAV, FLAC, MP3 and Ogg', async () => {
    const { samples, rate: found } = waveOf(readFileSync(join(recordings, 'speechbrain/spk1_snt1.wav')));
    const list = [...samples];
    expect(likeness((await soundOf(flac([list], found))).samples, samples)).toBeGreaterThan(0.9999);
    for (const type of ['audio/mpeg', 'audio/ogg'] as const) {
      const sound = await soundOf(await compressed(type, list, found));
      expect(sound.rate).toBe(found);
      expect(likeness(sound.samples, samples, type === 'audio/mpeg' ? 2400 : 0)).toBeGreaterThan(0.95);
    }
  });
});
