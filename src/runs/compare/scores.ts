import { compareBest } from './best.ts';
import type { Comparison } from './measure.ts';
import { mean } from './measure.ts';

/** Of sentence-similarity: which sentence is nearest is what searches are made of, the scores are what is cut by. */
export const scores: Comparison = {
  columns: ['scores'],
  measures: [
    { name: 'same nearest sentence', over: 'mean', better: 'high', wanted: 0.95 },
    { name: 'difference of scores', over: 'mean', better: 'low', wanted: 0.02 },
  ],
  compare(one, other) {
    const [mine, theirs] = [one.scores as number[], other.scores as number[]];
    const [same] = compareBest(ranked(mine), ranked(theirs));
    // Answers to one list of sentences are of its length; of another length they say nothing of each other.
    if (mine.length !== theirs.length) return [0, undefined];
    return [same, mean(mine.map((score, i) => Math.abs(score - theirs[i]!)))];
  },
};

function ranked(scores: readonly number[]) {
  return scores.map((score, i) => ({ label: String(i), score }));
}
