import * as z from 'zod';
import { column, float64, int32, listOf, structOf, utf8 } from './arrow-types.ts';
import { hash32, noise } from './hash.ts';
import { imageSize } from './image-size.ts';
import { isFiniteNumber, isObject, itemsOf } from './shapes.ts';
import { DecodeError } from './task.ts';
import type { Binary, Inputs, Parameters, ResultRow, Task } from './task.ts';

const CORNERS = ['xmin', 'ymin', 'xmax', 'ymax'] as const;

export const objectDetection: Task = {
  name: 'object-detection',
  aliases: [],
  summary: 'Finds the things in an image, each with a label and a box around it',
  inputs: {
    image: { kind: 'image', required: true, description: 'The image to look at' },
  },
  parameters: z.strictObject({
    threshold: z
      .number()
      .min(0)
      .max(1)
      .describe('Leave out detections with a lower score than this')
      .optional(),
  }),
  exampleModel: 'facebook/detr-resnet-50',
  example: { inputs: { image: 'image' }, parameters: { threshold: 0.9 } },
  columns: () => [
    column(
      'detections',
      listOf(
        structOf({
          label: utf8(),
          score: float64(),
          box: structOf(Object.fromEntries(CORNERS.map((corner) => [corner, int32()]))),
        }),
      ),
    ),
  ],
  decode: decodeDetections,
  emulate: emulateDetections,
};

/** Known shapes: `[{label, score, box}, …]`, empty where nothing was found; the same nested once; one bare object. */
function decodeDetections(answer: unknown): ResultRow {
  const items = itemsOf(answer);
  if (items === undefined) throw new DecodeError('a list of {label, score, box}', answer);
  return { detections: items.map((item) => detection(item, answer)) };
}

function detection(item: unknown, answer: unknown) {
  if (!isObject(item)) throw new DecodeError('a list of {label, score, box}', answer);
  const { label, score, box } = item;
  if (typeof label !== 'string') throw new DecodeError('a label that is a string', answer);
  if (!isFiniteNumber(score)) throw new DecodeError('a score that is a finite number', answer);
  if (!isObject(box)) throw new DecodeError('a box {xmin, ymin, xmax, ymax}', answer);
  return { label, score, box: Object.fromEntries(CORNERS.map((name) => [name, pixel(box[name], answer)])) };
}

/** Some servers answer fractions of a pixel. */
function pixel(value: unknown, answer: unknown): number {
  const rounded = isFiniteNumber(value) ? Math.round(value) : Number.NaN;
  if (rounded !== (rounded | 0)) throw new DecodeError('a box of four pixel positions', answer);
  return rounded | 0;
}

const EMULATED_LABELS = [
  'cat',
  'dog',
  'person',
  'car',
  'bicycle',
  'chair',
  'bird',
  'book',
  'bottle',
  'couch',
];

/** One to four boxes inside the image, chosen by a hash of its bytes: the same image always shows the same things. */
function emulateDetections(inputs: Inputs, parameters: Parameters): unknown {
  const { bytes } = inputs.image as Binary;
  const { width, height } = imageSize(bytes) ?? { width: 640, height: 480 };
  const threshold = typeof parameters.threshold === 'number' ? parameters.threshold : 0;
  const next = noise(hash32(bytes));
  const found = Array.from({ length: 1 + Math.floor(next() * 4) }, () => {
    const [left, top] = [next() * 0.6, next() * 0.6];
    const [right, bottom] = [left + 0.1 + next() * (0.9 - left), top + 0.1 + next() * (0.9 - top)];
    return {
      score: 0.5 + next() / 2,
      label: EMULATED_LABELS[Math.floor(next() * EMULATED_LABELS.length)],
      box: {
        xmin: Math.floor(left * width),
        ymin: Math.floor(top * height),
        xmax: Math.min(width, Math.ceil(right * width)),
        ymax: Math.min(height, Math.ceil(bottom * height)),
      },
    };
  });
  return found.filter(({ score }) => score >= threshold).sort((a, b) => b.score - a.score);
}
