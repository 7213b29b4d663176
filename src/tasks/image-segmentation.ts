import { Binary as BinaryType } from 'apache-arrow';
import * as z from 'zod';
import { column, float64, listOf, structOf, utf8 } from './arrow-types.ts';
import { hash32, noise } from './hash.ts';
import { imageSize } from './image-size.ts';
import { grayPng, isPng } from './png.ts';
import { isFiniteNumber, isObject, itemsOf } from './shapes.ts';
import { DecodeError } from './task.ts';
import type { Binary, Inputs, Parameters, ResultRow, Task } from './task.ts';

export const imageSegmentation: Task = {
  name: 'image-segmentation',
  aliases: [],
  summary: 'Cuts an image into segments, each with a label and a mask of its pixels',
  inputs: {
    image: { kind: 'image', required: true, description: 'The image to cut up' },
  },
  parameters: z.strictObject({
    threshold: share(
      'Leave out segments with a lower score than this; default: what the server thinks fit, often 0.9',
    ),
    mask_threshold: share(
      'From which value on a pixel belongs to a mask; default: what the server thinks fit, often 0.5',
    ),
    overlap_mask_area_threshold: share(
      'Leave out a segment when less than this share of its mask is not covered by others; default: what the server ' +
        'thinks fit, often 0.5',
    ),
    subtask: z
      .enum(['instance', 'panoptic', 'semantic'])
      .describe(
        'What counts as a segment: each thing (instance), each class (semantic), or both (panoptic); default: what ' +
          'the model can do',
      )
      .optional(),
  }),
  exampleModel: 'facebook/detr-resnet-50-panoptic',
  example: { inputs: { image: 'image' }, parameters: { threshold: 0.9 } },
  columns: () => [
    column('segments', listOf(structOf({ label: utf8(), score: float64(), mask: new BinaryType() }))),
  ],
  decode: decodeSegments,
  emulate: emulateSegments,
};

function share(description: string) {
  return z.number().min(0).max(1).describe(description).optional();
}

/**
 * Known shapes: `[{label, score, mask}, …]`, empty where there is nothing; the same nested once; one bare object.
 * Semantic segmentation has no scores: left out or null. A mask is a PNG in base64, bare or as a data URL.
 */
function decodeSegments(answer: unknown): ResultRow {
  const items = itemsOf(answer);
  if (items === undefined) throw new DecodeError('a list of {label, score, mask}', answer);
  return { segments: items.map((item) => segment(item, answer)) };
}

function segment(item: unknown, answer: unknown) {
  if (!isObject(item)) throw new DecodeError('a list of {label, score, mask}', answer);
  const { label, score = null, mask } = item;
  if (typeof label !== 'string') throw new DecodeError('a label that is a string', answer);
  if (score !== null && !isFiniteNumber(score)) {
    throw new DecodeError('a score that is a finite number, or none', answer);
  }
  if (typeof mask !== 'string') throw new DecodeError('a mask in base64', answer);
  const bytes = Buffer.from(mask.replace(/^data:[^,]*,/i, ''), 'base64');
  if (!isPng(bytes)) throw new DecodeError('a mask that is a PNG in base64', answer);
  return { label, score, mask: bytes };
}

const EMULATED_LABELS = ['cat', 'person', 'couch', 'sky-other-merged', 'tree-merged', 'wall-other-merged'];

/** A header may promise more pixels than there is memory. */
const MAX_PIXELS = 2 ** 24;

/**
 * One to three ellipses inside the image, chosen by a hash of its bytes. The masks are as large as the image, white
 * where the segment is; of an image whose size cannot be told, or is beyond 16 million pixels, they are 640 by 480.
 */
function emulateSegments(inputs: Inputs, parameters: Parameters): unknown {
  const { bytes } = inputs.image as Binary;
  const told = imageSize(bytes);
  const { width, height } =
    told !== undefined && told.width * told.height <= MAX_PIXELS ? told : { width: 640, height: 480 };
  const threshold = typeof parameters.threshold === 'number' ? parameters.threshold : 0;
  const next = noise(hash32(bytes));
  const found = Array.from({ length: 1 + Math.floor(next() * 3) }, () => ({
    score: 0.9 + next() / 10,
    label: EMULATED_LABELS[Math.floor(next() * EMULATED_LABELS.length)],
    mask: grayPng(
      width,
      height,
      ellipse(width, height, [0.3 + next() * 0.4, 0.3 + next() * 0.4], 0.1 + next() * 0.2),
    ).toString('base64'),
  }));
  const kept = found.filter(({ score }) => score >= threshold).sort((a, b) => b.score - a.score);
  // Semantic segments are classes, which nothing scores.
  return parameters.subtask === 'semantic' ? kept.map(({ label, mask }) => ({ label, mask })) : kept;
}

/** White inside, black outside; centre and radius as shares of width and height. */
function ellipse(
  width: number,
  height: number,
  [centreX, centreY]: readonly [number, number],
  radius: number,
): Uint8Array {
  const pixels = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) {
    const dy = ((y + 0.5) / height - centreY) / radius;
    // The part of the row that is inside; none where the square is negative.
    const half = Math.sqrt(Math.max(0, 1 - dy * dy)) * radius;
    const from = Math.max(0, Math.round((centreX - half) * width));
    const to = Math.min(width, Math.round((centreX + half) * width));
    if (to > from) pixels.fill(255, y * width + from, y * width + to);
  }
  return pixels;
}
