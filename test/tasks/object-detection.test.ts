import { describe, expect, test } from 'vitest';
import { objectDetection as task } from '../../src/tasks/object-detection.ts';
import { DecodeError } from '../../src/tasks/task.ts';

const cat = { label: 'cat', score: 0.9, box: { xmin: 1, ymin: 2, xmax: 3, ymax: 4 } };

/** Only what a reader of sizes needs. */
function pngOf(width: number, height: number): Uint8Array {
  const bytes = Buffer.alloc(33);
  Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex').copy(bytes);
  bytes.writeUInt32BE(width, 16);
  bytes.writeUInt32BE(height, 20);
  return bytes;
}

describe('object-detection decodes', () => {
  test.each([
    ['a list', [cat, cat], [cat, cat]],
    ['a nested list', [[cat]], [cat]],
    ['one bare object', cat, [cat]],
    ['nothing found', [], []],
    ['nothing found, nested', [[]], []],
    [
      'fractions of a pixel, to the nearest',
      [{ ...cat, box: { xmin: 0.5, ymin: -0.4, xmax: 2.6, ymax: 4 } }],
      [{ ...cat, box: { xmin: 1, ymin: 0, xmax: 3, ymax: 4 } }],
    ],
  ])('%s', (_, answer, detections) => {
    expect(task.decode(answer, {})).toEqual({ detections });
  });
});

describe('object-detection refuses', () => {
  test.each([
    ['null', null],
    ['a string', 'cat'],
    ['no box', [{ label: 'cat', score: 0.9 }]],
    ['a box that is null', [{ ...cat, box: null }]],
    ['a box with three corners', [{ ...cat, box: { xmin: 1, ymin: 2, xmax: 3 } }]],
    ['a corner that is a string', [{ ...cat, box: { ...cat.box, xmin: '1' } }]],
    ['a corner beyond 32 bits', [{ ...cat, box: { ...cat.box, xmin: 2 ** 31 } }]],
    ['a score that is a string', [{ ...cat, score: '0.9' }]],
    ['a label that is a number', [{ ...cat, label: 17 }]],
    ['classification', [{ label: 'cat', score: 0.9 }]],
  ])('%s', (_, answer) => {
    expect(() => task.decode(answer, {})).toThrow(DecodeError);
  });
});

describe('object-detection emulates', () => {
  test('boxes inside the image, the same ones for the same bytes', () => {
    for (let size = 1; size < 60; size++) {
      const image = { bytes: pngOf(size * 7, size * 5) };
      const answer = task.emulate({ image }, {});
      expect(answer).toEqual(task.emulate({ image }, {}));
      const { detections } = task.decode(answer, {}) as { detections: (typeof cat)[] };
      expect(detections.length).toBeGreaterThan(0);
      for (const { box } of detections) {
        expect(box.xmin).toBeGreaterThanOrEqual(0);
        expect(box.ymin).toBeGreaterThanOrEqual(0);
        expect(box.xmax).toBeGreaterThan(box.xmin);
        expect(box.ymax).toBeGreaterThan(box.ymin);
        expect(box.xmax).toBeLessThanOrEqual(size * 7);
        expect(box.ymax).toBeLessThanOrEqual(size * 5);
      }
    }
  });

  test('only what reaches the threshold', () => {
    expect(task.emulate({ image: { bytes: pngOf(10, 10) } }, { threshold: 1 })).toEqual([]);
  });
});
