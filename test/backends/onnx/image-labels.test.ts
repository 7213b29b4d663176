import { describe, expect, test } from 'vitest';
import { classified } from '../../../src/backends/onnx/pipelines/images.ts';

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

function labelled(logits: readonly number[], config = {}, parameters = {}) {
  const id2label = Object.fromEntries(logits.map((_, i) => [i, `label ${i}`]));
  return classified('owner/model', { id2label, ...config }, Float32Array.from(logits), parameters);
}

describe('the labels of an image or a sound', () => {
  test('are the five best, best first, or as many as the job says', () => {
    const best = labelled([1, 7, 3, 6, 2, 5, 4]).map(({ label }) => label);
    expect(best).toEqual(['label 1', 'label 3', 'label 5', 'label 6', 'label 2']);
    expect(labelled([1, 7, 3, 6, 2, 5, 4], {}, { top_k: 2 })).toHaveLength(2);
  });

  test('share their scores, which are 1 together', () => {
    const sum = labelled([1, 2, 3]).reduce((total, { score }) => total + score, 0);
    expect(sum).toBeCloseTo(1, 6);
  });

  test('have a score each for itself where there is only one, where several may be right, and where the job says so', () => {
    expect(labelled([-1])[0]!.score).toBeCloseTo(sigmoid(-1), 6);
    const several = { problem_type: 'multi_label_classification' };
    expect(labelled([2, 1], several).map(({ score }) => score)).toEqual([
      expect.closeTo(sigmoid(2), 6),
      expect.closeTo(sigmoid(1), 6),
    ]);
    expect(labelled([2, 1], {}, { function_to_apply: 'sigmoid' })[1]!.score).toBeCloseTo(sigmoid(1), 6);
  });
});
