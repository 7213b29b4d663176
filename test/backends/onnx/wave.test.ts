import { describe, expect, test } from 'vitest';
import { greedyCtc } from '../../../src/backends/onnx/pipelines/sounds.ts';
import { waveOf } from '../../../src/backends/onnx/pipelines/wave.ts';
import { Unanswerable } from '../../../src/tasks/task.ts';
import { wave } from './sound-kit.ts';

describe('a WAV file', () => {
  const samples = [0, 0.5, -0.5, 0.25];

  test.each([8, 16, 24, 32])('of %i bits is read as numbers from -1 to 1', (bits) => {
    const { samples: read, rate } = waveOf(wave(samples, { bits, rate: 8000 }));
    expect(rate).toBe(8000);
    expect([...read]).toEqual(samples.map((x) => expect.closeTo(x, bits === 8 ? 1 : 3)));
  });

  test('of several channels is mixed to one', () => {
    const { samples: read } = waveOf(wave([0.5, -0.5, 0.25, 0.75], { bits: 16, rate: 8000, channels: 2 }));
    expect([...read].map((x) => Number(x.toFixed(2)))).toEqual([0, 0.5]);
  });

  test('that was cut off is read as far as it goes', () => {
    const whole = wave(samples, { bits: 16, rate: 8000 });
    expect(waveOf(whole.subarray(0, whole.length - 4)).samples).toHaveLength(2);
  });

  test.each([
    ['WAV', Buffer.from('not a sound')],
    ['no sound', wave([], { bits: 16, rate: 8000 }).subarray(0, 36)],
  ])('that is none is refused: %s', (words, bytes) => {
    expect(() => waveOf(bytes)).toThrow(Unanswerable);
    expect(() => waveOf(bytes)).toThrow(words);
  });
});

test('a double letter is two, a long one is one: the blank between them is dropped last', () => {
  const letters = ['', 'H', 'E', 'L', 'O', '|'];
  const said = [1, 1, 2, 0, 3, 3, 0, 3, 4, 4, 5, 5, 1];
  const data = new Float32Array(said.length * letters.length);
  for (const [frame, id] of said.entries()) data[frame * letters.length + id] = 1;
  const logits = { data, dims: [1, said.length, letters.length] };
  expect(greedyCtc(logits, 0, (id) => letters[id]!, '|')).toBe('HELLO H');
});
