import type { Prediction } from '../../tasks/predictions.ts';
import { compareBest } from './best.ts';
import type { Comparison } from './measure.ts';

/** Of every task that classifies: `label`, `score` and `predictions`. */
export const labels: Comparison = {
  columns: ['label', 'score'],
  measures: [
    { name: 'same best label', over: 'mean', better: 'high', wanted: 0.95 },
    { name: 'difference of its score', over: 'mean', better: 'low', wanted: 0.05 },
  ],
  compare: (one, other) => compareBest(one.predictions as Prediction[], other.predictions as Prediction[]),
};
