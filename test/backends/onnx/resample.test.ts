import { describe, expect, test } from 'vitest';
import { resampled } from '../../../src/backends/onnx/pipelines/resample.ts';
import { Unanswerable } from '../../../src/tasks/task.ts';
import { tones } from './sound-kit.ts';

const tone = (frequency: number, rate: number) => Float32Array.from(tones([frequency], rate, 1));

/** Loudness of the middle; where a tone begins and ends it has all frequencies. */
function loudness(samples: Float32Array): number {
  const middle = samples.subarray(1000, samples.length - 1000);
  return Math.sqrt(middle.reduce((sum, x) => sum + x * x, 0) / middle.length);
}

describe('another rate', () => {
  test.each([
    [44_100, 16_000],
    [48_000, 16_000],
    [11_025, 16_000],
    [8000, 16_000],
    [16_001, 16_000],
  ])('from %i to %i a tone stays the tone that it was', (rate, wanted) => {
    const out = resampled({ samples: tone(440, rate), rate }, wanted);
    const expected = tone(440, wanted);
    expect(out.length).toBe(wanted);
    for (let i = 1000; i < wanted - 1000; i += 7) expect(Math.abs(out[i]! - expected[i]!)).toBeLessThan(1e-3);
  });

  test('what the lower rate can hold stays up to 6.5 of 8 kHz', () => {
    const out = resampled({ samples: tone(6500, 44_100), rate: 44_100 }, 16_000);
    expect(loudness(out)).toBeCloseTo(loudness(tone(6500, 44_100)), 3);
  });

  test.each([8500, 9600, 12_000, 15_560])(
    'a tone of %i Hz, which 16 kHz cannot hold, is gone and not folded back as another',
    (frequency) => {
      const out = resampled({ samples: tone(frequency, 44_100), rate: 44_100 }, 16_000);
      expect(loudness(out) / loudness(tone(frequency, 44_100))).toBeLessThan(1e-3);
    },
  );

  test('a constant stays constant', () => {
    const out = resampled({ samples: new Float32Array(44_100).fill(0.5), rate: 44_100 }, 16_000);
    for (const sample of out.subarray(1000, 15_000)) expect(sample).toBeCloseTo(0.5, 5);
  });

  test('a sound of one sample is not lost', () => {
    expect(resampled({ samples: Float32Array.of(1), rate: 48_000 }, 16_000)).toHaveLength(1);
  });

  test('the same rate changes nothing', () => {
    const samples = tone(440, 16_000);
    expect(resampled({ samples, rate: 16_000 }, 16_000)).toBe(samples);
  });

  test.each([0, 1, 4_000_000_000, Number.NaN])('a rate that no recording has is refused: %d', (rate) => {
    expect(() => resampled({ samples: tone(440, 8000), rate }, 16_000)).toThrow(Unanswerable);
  });
});
