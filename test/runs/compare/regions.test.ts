import { expect, test } from 'vitest';
import { boxes, boxOverlap } from '../../../src/runs/compare/boxes.ts';
import { masks } from '../../../src/runs/compare/masks.ts';
import { compareRegions } from '../../../src/runs/compare/matching.ts';
import { grayPng } from '../../../src/tasks/png.ts';

const box = (xmin: number, ymin: number, xmax: number, ymax: number) => ({ xmin, ymin, xmax, ymax });

test.each([
  [box(0, 0, 2, 2), box(0, 0, 2, 2), 1],
  [box(0, 0, 2, 2), box(1, 0, 3, 2), 1 / 3],
  [box(0, 0, 4, 4), box(1, 1, 3, 3), 1 / 4],
  [box(0, 0, 2, 2), box(2, 0, 4, 2), 0],
  [box(0, 0, 1, 1), box(5, 5, 6, 6), 0],
  [box(1, 1, 1, 1), box(1, 1, 1, 1), 1],
  [box(1, 1, 1, 1), box(2, 2, 2, 2), 0],
])('%j and %j overlap by %d', (one, other, overlap) => {
  expect(boxOverlap(one, other)).toBeCloseTo(overlap, 12);
});

test('boxes match where label and place are the same thing, others are lost', () => {
  const one = [
    { label: 'cat', box: box(0, 0, 10, 10) },
    { label: 'dog', box: box(20, 20, 30, 30) },
    { label: 'cat', box: box(50, 50, 60, 60) },
  ];
  const other = [
    { label: 'cat', box: box(0, 0, 10, 8) },
    { label: 'cat', box: box(20, 20, 30, 30) },
  ];
  expect(boxes.compare({ detections: one }, { detections: other })).toEqual([2 / 5, 0.8]);
  expect(boxes.compare({ detections: [] }, { detections: [] })).toEqual([1, undefined]);
  expect(boxes.compare({ detections: one }, { detections: [] })).toEqual([0, undefined]);
});

test('those that overlap most are matched first, each of them once', () => {
  const overlaps: Record<string, number> = { ax: 0.6, ay: 0.9, bx: 0.2, by: 0.8 };
  const region = (name: string) => ({ label: 'thing', name });
  const values = compareRegions(
    [region('a'), region('b')],
    [region('x'), region('y')],
    (one, other) => overlaps[one.name + other.name]!,
  );
  expect(values).toEqual([1 / 2, 0.9]);
});

test('masks overlap by their white pixels; masks of other sizes do not', async () => {
  const segment = (width: number, ...pixels: number[]) => ({
    label: 'sky',
    mask: grayPng(width, pixels.length / width, Uint8Array.from(pixels)),
  });
  const compare = (one: unknown, other: unknown) => masks.compare({ segments: [one] }, { segments: [other] });
  expect(await compare(segment(2, 255, 255, 255, 0), segment(2, 255, 255, 0, 0))).toEqual([1, 2 / 3]);
  expect(await compare(segment(2, 255, 255, 255, 0), segment(2, 0, 0, 0, 255))).toEqual([0, undefined]);
  expect(await compare(segment(2, 255, 255), segment(1, 255, 255))).toEqual([0, undefined]);
  expect(await compare(segment(2, 0, 0), segment(2, 0, 0))).toEqual([1, 1]);
});
