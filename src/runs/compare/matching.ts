import type { Measure, RowValues } from './measure.ts';
import { mean, sharedShare } from './measure.ts';

/** From which intersection over union on two regions are the same thing, as COCO and PASCAL VOC count. */
const SAME_THING = 0.5;

/** Of regions in an image. */
export const regionMeasures: readonly Measure[] = [
  { name: 'matched (F1 at IoU 0.5)', over: 'mean', better: 'high', wanted: 0.95 },
  { name: 'IoU of the matched', over: 'mean', better: 'high', wanted: 0.9 },
];

/**
 * Matches regions of one label, those that overlap most first, each of them once.
 * @param overlapOf intersection over union of two regions; symmetric
 * @returns what `regionMeasures` measure
 */
export function compareRegions<T extends { label: string }>(
  one: readonly T[],
  other: readonly T[],
  overlapOf: (one: T, other: T) => number,
): RowValues {
  const pairs = one
    .flatMap((mine, i) =>
      other.flatMap((theirs, j) =>
        mine.label === theirs.label ? [{ i, j, overlap: overlapOf(mine, theirs) }] : [],
      ),
    )
    .filter(({ overlap }) => overlap >= SAME_THING)
    // Pairs of equal sums have no region in common, so that equal overlaps are matched alike from either side.
    .sort((a, b) => b.overlap - a.overlap || a.i + a.j - (b.i + b.j));
  const [matched, otherMatched] = [new Set<number>(), new Set<number>()];
  const overlaps: number[] = [];
  for (const { i, j, overlap } of pairs) {
    if (matched.has(i) || otherMatched.has(j)) continue;
    matched.add(i);
    otherMatched.add(j);
    overlaps.push(overlap);
  }
  return [sharedShare(overlaps.length, one.length, other.length), mean(overlaps)];
}
