import { type Picture, pictureOf } from '../../backends/onnx/pipelines/picture.ts';
import { compareRegions, regionMeasures } from './matching.ts';
import type { Comparison } from './measure.ts';

/** A segment with the pixels of its mask. */
interface Masked {
  label: string;
  picture: Picture;
}

/** Of image-segmentation. */
export const masks: Comparison = {
  columns: ['segments'],
  measures: regionMeasures,
  async compare(one, other) {
    const mine = await decoded(one.segments as Segment[]);
    const theirs = await decoded(other.segments as Segment[]);
    return compareRegions(mine, theirs, (a, b) => maskOverlap(a.picture, b.picture));
  },
};

interface Segment {
  label: string;
  /** A PNG. */
  mask: Uint8Array;
}

async function decoded(segments: readonly Segment[]): Promise<Masked[]> {
  return Promise.all(
    segments.map(async ({ label, mask }) => ({ label, picture: await pictureOf({ bytes: mask }) })),
  );
}

/** Intersection over union of what is white: 0 to 1. Masks of different sizes are of different images: 0. */
export function maskOverlap(one: Picture, other: Picture): number {
  if (one.width !== other.width || one.height !== other.height) return 0;
  let [shared, union] = [0, 0];
  // The channels of a mask are equal; the first of three tells.
  for (let i = 0; i < one.data.length; i += 3) {
    const [mine, theirs] = [one.data[i]! >= 128, other.data[i]! >= 128];
    if (mine && theirs) shared++;
    if (mine || theirs) union++;
  }
  return union === 0 ? 1 : shared / union;
}
