import { expect, test } from 'vitest';
import { localParameters } from '../../../src/backends/onnx/parameters.ts';
import { keepNucleus } from '../../../src/backends/onnx/pipelines/generate-options.ts';
import { tasks } from '../../../src/tasks/index.ts';

/** Logits whose probabilities are these. */
const logits = (...shares: number[]) => Float32Array.from(shares, Math.log);
const possible = (scores: Float32Array) => [...scores.keys()].filter((id) => scores[id]! > -Infinity);

test.each([
  [0.5, 50, [1]],
  [0.6, 50, [1, 3]],
  [0.81, 50, [0, 1, 3]],
  [0, 50, [1]],
  [1, 2, [1, 3]],
  // Of the two best, the first has 0.5 of 0.8.
  [0.62, 2, [1]],
])('top_p %d among the best %d leaves the tokens %j possible', (topP, topK, expected) => {
  const scores = logits(0.15, 0.5, 0.05, 0.3);
  keepNucleus(scores, topK, topP);
  expect(possible(scores)).toEqual(expected);
});

test('what is listed as heeded is known: a parameter of the task, or one that goes through `extra`', () => {
  const generating = localParameters.nested.generate_parameters!;
  for (const [name, heeded] of Object.entries(localParameters.tasks)) {
    const own = Object.keys(tasks.find((task) => task.name === name)!.parameters.shape);
    expect(heeded.filter((parameter) => ![...own, ...generating].includes(parameter))).toEqual([]);
  }
});
