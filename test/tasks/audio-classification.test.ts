import { expect, test } from 'vitest';
import { audioClassification as task } from '../../src/tasks/audio-classification.ts';

const audio = { bytes: Buffer.from('some bytes') };

test('audio-classification answers best first, whatever order the server has', () => {
  const answer = [
    { score: 0.2, label: 'b' },
    { score: 0.8, label: 'a' },
  ];
  const predictions = [
    { label: 'a', score: 0.8 },
    { label: 'b', score: 0.2 },
  ];
  expect(task.decode(answer, {})).toEqual({ label: 'a', score: 0.8, predictions });
});

test('audio-classification emulates a distribution, the same one for the same bytes', () => {
  const answer = task.emulate({ audio }, {}) as { label: string; score: number }[];
  expect(answer).toEqual(task.emulate({ audio }, {}));
  expect(answer).toHaveLength(4);
  expect(answer).toEqual([...answer].sort((a, b) => b.score - a.score));
  expect(answer.reduce((sum, { score }) => sum + score, 0)).toBeLessThan(1 + 1e-9);
  expect(task.emulate({ audio: { bytes: Buffer.from('others') } }, {})).not.toEqual(answer);
});

test('audio-classification emulates top_k and function_to_apply', () => {
  expect(task.emulate({ audio }, { top_k: 2 })).toHaveLength(2);
  const [best] = task.emulate({ audio }, { function_to_apply: 'sigmoid', top_k: 1 }) as { score: number }[];
  const [raw] = task.emulate({ audio }, { function_to_apply: 'none', top_k: 1 }) as { score: number }[];
  expect(best?.score).toBeCloseTo(1 / (1 + Math.exp(-(raw?.score ?? 0))));
});
