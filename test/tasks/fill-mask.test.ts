import { describe, expect, test } from 'vitest';
import { fillMask as task } from '../../src/tasks/fill-mask.ts';
import { Unanswerable } from '../../src/tasks/task.ts';

interface Filling {
  sequence: string;
  score: number;
  token_str: string;
  mask: number;
}
const fill = (text: string, parameters = {}) =>
  task.decode(task.emulate({ text }, parameters), parameters).predictions as Filling[];

describe('fill-mask emulates', () => {
  test('five words for a mask, best first, and the text with each', () => {
    const fillings = fill('A [MASK] day');
    expect(fillings).toHaveLength(5);
    expect(fillings.map(({ score }) => score)).toEqual(
      fillings.map(({ score }) => score).toSorted((a, b) => b - a),
    );
    for (const { sequence, token_str } of fillings) expect(sequence).toBe(`A ${token_str} day`);
    expect(fill('A [MASK] day')).toEqual(fillings);
  });

  test('each of several masks, numbered from 0, with the other ones left', () => {
    const fillings = fill('<mask> of <mask>', { top_k: 2 });
    expect(fillings.map(({ mask }) => mask)).toEqual([0, 0, 1, 1]);
    for (const { mask, sequence, token_str } of fillings)
      expect(sequence).toBe(mask === 0 ? `${token_str.trim()} of <mask>` : `<mask> of${token_str}`);
  });

  test('only the targets', () => {
    const words = fill('A [MASK] day', { targets: ['red', 'blue'] }).map(({ token_str }) => token_str);
    expect(words.toSorted()).toEqual(['blue', 'red']);
  });

  test('a refusal of a text without a mask', () => {
    expect(() => task.emulate({ text: 'nothing to fill' }, {})).toThrow(Unanswerable);
  });
});

test.each([{ top_k: 0 }, { top_k: 1.5 }, { targets: [] }, { targets: 'red' }])(
  '%j is refused',
  (parameters) => {
    expect(task.parameters.safeParse(parameters).success).toBe(false);
  },
);
