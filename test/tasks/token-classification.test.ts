import { describe, expect, test } from 'vitest';
import { tokenClassification as task } from '../../src/tasks/token-classification.ts';

interface Entity {
  entity_group: string;
  score: number;
  word: string;
  start: number;
  end: number;
}
const entitiesOf = (text: string, parameters = {}) =>
  task.decode(task.emulate({ text }, parameters), parameters).entities as Entity[];

describe('token-classification emulates', () => {
  test.each([
    ['My name is Sarah Jessica Parker but you can call me Jessica', ['Sarah Jessica Parker', 'Jessica']],
    ['The ship left. Then I saw it off Nantucket!', ['Nantucket']],
    ['🚢🚢 We met Łucja O’Brien in Ōsaka.', ['Łucja O’Brien', 'Ōsaka']],
    ['nothing here', []],
    ['', []],
  ])('%j', (text, words) => {
    const entities = entitiesOf(text);
    expect(entities.map(({ word }) => word)).toEqual(words);
    // As Python slices it.
    for (const { word, start, end } of entities) expect([...text].slice(start, end).join('')).toBe(word);
  });

  test('each word by itself without aggregation', () => {
    const answer = task.emulate({ text: 'me and Sarah Parker' }, { aggregation_strategy: 'none' });
    expect(answer).toMatchObject([
      { entity: expect.stringMatching(/^I-/), word: 'Sarah', start: 7, end: 12 },
      { entity: expect.stringMatching(/^I-/), word: 'Parker', start: 13, end: 19 },
    ]);
  });

  test('a name of the same kind everywhere, and none of the ignored kinds', () => {
    const [first, second] = entitiesOf('me and Sarah Parker, then Sarah');
    expect(second!.entity_group).toBe(first!.entity_group);
    expect(entitiesOf('me and Sarah', { ignore_labels: [first!.entity_group] })).toEqual([]);
  });
});

test.each([{ aggregation_strategy: 'best' }, { ignore_labels: 'O' }, { stride: 0 }])(
  '%j is refused',
  (parameters) => {
    expect(task.parameters.safeParse(parameters).success).toBe(false);
  },
);
