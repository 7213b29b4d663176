import { describe, expect, test } from 'vitest';
import { imageSize } from '../../src/tasks/image-size.ts';
import { imageSegmentation as task } from '../../src/tasks/image-segmentation.ts';
import { grayPng } from '../../src/tasks/png.ts';
import { DecodeError } from '../../src/tasks/task.ts';

const mask = grayPng(2, 2, new Uint8Array([0, 255, 255, 0]));
const base64 = mask.toString('base64');
const cat = { label: 'cat', score: 0.9, mask };

describe('image-segmentation decodes', () => {
  test.each<[string, unknown, unknown[]]>([
    ['a list', [{ label: 'cat', score: 0.9, mask: base64 }], [cat]],
    ['a nested list', [[{ label: 'cat', score: 0.9, mask: base64 }]], [cat]],
    ['one bare object', { label: 'cat', score: 0.9, mask: base64 }, [cat]],
    ['nothing found', [], []],
    ['a score of null', [{ label: 'cat', score: null, mask: base64 }], [{ ...cat, score: null }]],
    ['no score', [{ label: 'cat', mask: base64 }], [{ ...cat, score: null }]],
    ['a mask as a data URL', [{ label: 'cat', score: 0.9, mask: `data:image/png;base64,${base64}` }], [cat]],
    ['base64 in lines', [{ label: 'cat', score: 0.9, mask: base64.replaceAll(/.{40}/g, '$&\r\n') }], [cat]],
  ])('%s', (_, answer, segments) => {
    expect(task.decode(answer, {})).toEqual({ segments });
  });
});

describe('image-segmentation refuses', () => {
  test.each([
    ['null', null],
    ['a string', 'cat'],
    ['no mask', [{ label: 'cat', score: 0.9 }]],
    ['a mask that is a list', [{ label: 'cat', score: 0.9, mask: [[0, 1]] }]],
    ['a mask that is no base64', [{ label: 'cat', score: 0.9, mask: 'a cat!' }]],
    ['a mask that is a JPEG', [{ label: 'cat', score: 0.9, mask: '/9j/4AAQSkZJRg==' }]],
    ['a score that is a string', [{ label: 'cat', score: '0.9', mask: base64 }]],
    ['a label that is null', [{ label: null, score: 0.9, mask: base64 }]],
  ])('%s', (_, answer) => {
    expect(() => task.decode(answer, {})).toThrow(DecodeError);
  });

  test('with an excerpt, however long the mask', () => {
    const long = [{ label: 'cat', score: 'high', mask: 'A'.repeat(1_000_000) }];
    expect(() => task.decode(long, {})).toThrow(/^.{50,400}$/);
  });
});

describe('image-segmentation emulates', () => {
  const image = { bytes: grayPng(30, 20, new Uint8Array(600)) };

  test('masks as large as the image, the same ones for the same bytes', () => {
    const answer = task.emulate({ image }, {});
    expect(answer).toEqual(task.emulate({ image }, {}));
    const { segments } = task.decode(answer, {}) as { segments: { mask: Buffer }[] };
    expect(segments.length).toBeGreaterThan(0);
    for (const segment of segments) expect(imageSize(segment.mask)).toEqual({ width: 30, height: 20 });
  });

  test('no scores for semantic segments, and only what reaches the threshold', () => {
    for (const segment of task.emulate({ image }, { subtask: 'semantic' }) as object[]) {
      expect(segment).not.toHaveProperty('score');
    }
    expect(task.emulate({ image }, { threshold: 1 })).toEqual([]);
  });

  test('a small mask for an image that claims more pixels than there is memory', () => {
    const header = Buffer.from(image.bytes);
    header.writeUInt32BE(0x7fffffff, 16);
    header.writeUInt32BE(0x7fffffff, 20);
    const [first] = task.emulate({ image: { bytes: header } }, {}) as { mask: string }[];
    expect(imageSize(Buffer.from(first!.mask, 'base64'))).toEqual({ width: 640, height: 480 });
  });
});
