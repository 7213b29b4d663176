import { compareRegions, regionMeasures } from './matching.ts';
import type { Comparison } from './measure.ts';

/** In pixels; `max` is outside of the box. */
export interface Box {
  xmin: number;
  ymin: number;
  xmax: number;
  ymax: number;
}

interface Detection {
  label: string;
  box: Box;
}

/** Of object-detection. */
export const boxes: Comparison = {
  columns: ['detections'],
  measures: regionMeasures,
  compare: (one, other) =>
    compareRegions(one.detections as Detection[], other.detections as Detection[], (a, b) =>
      boxOverlap(a.box, b.box),
    ),
};

/** Intersection over union: 0 to 1. Boxes without an area overlap only with their like. */
export function boxOverlap(one: Box, other: Box): number {
  const width = Math.min(one.xmax, other.xmax) - Math.max(one.xmin, other.xmin);
  const height = Math.min(one.ymax, other.ymax) - Math.max(one.ymin, other.ymin);
  const shared = Math.max(0, width) * Math.max(0, height);
  const union = area(one) + area(other) - shared;
  if (union > 0) return shared / union;
  return one.xmin === other.xmin &&
    one.ymin === other.ymin &&
    one.xmax === other.xmax &&
    one.ymax === other.ymax
    ? 1
    : 0;
}

function area({ xmin, ymin, xmax, ymax }: Box): number {
  return Math.max(0, xmax - xmin) * Math.max(0, ymax - ymin);
}
