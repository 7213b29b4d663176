import type { Prediction } from '../../tasks/predictions.ts';

/**
 * Whether two lists of predictions have the same best label (1 or 0), and how far apart the scores of the best labels
 * are: the greater of the two differences. A label that one side left out, because of `top_k`, has no difference.
 */
export function compareBest(
  one: readonly Prediction[],
  other: readonly Prediction[],
): [same: number, difference: number | undefined] {
  const [best, otherBest] = [bestOf(one), bestOf(other)];
  if (best === undefined || otherBest === undefined) {
    return best === otherBest ? [1, undefined] : [0, undefined];
  }
  const differences = [best.label, otherBest.label].flatMap((label) => {
    const [score, otherScore] = [scoreOf(one, label), scoreOf(other, label)];
    return score === undefined || otherScore === undefined ? [] : [Math.abs(score - otherScore)];
  });
  const difference = differences.length === 0 ? undefined : Math.max(...differences);
  return [best.label === otherBest.label ? 1 : 0, difference];
}

function bestOf(predictions: readonly Prediction[]): Prediction | undefined {
  return predictions.reduce<Prediction | undefined>(
    (best, prediction) => (best === undefined || prediction.score > best.score ? prediction : best),
    undefined,
  );
}

function scoreOf(predictions: readonly Prediction[], label: string): number | undefined {
  return predictions.find((prediction) => prediction.label === label)?.score;
}
