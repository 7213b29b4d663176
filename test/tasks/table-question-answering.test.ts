import { expect, test } from 'vitest';
import { tableQuestionAnswering as task } from '../../src/tasks/table-question-answering.ts';

const table = {
  Repository: ['Transformers', 'Datasets', 'Tokenizers'],
  Stars: ['36542', '4512', '3934'],
  'Programming language': ['Python', 'Python', 'Rust, Python and NodeJS'],
};

test.each([
  ['How many stars does the transformers repository have?', '36542', [[0, 1]], 'NONE'],
  ['What is the programming language of Tokenizers?', 'Rust, Python and NodeJS', [[2, 2]], 'NONE'],
  ['What is the total of the stars?', 'SUM > 36542, 4512, 3934', [0, 1, 2].map((row) => [row, 1]), 'SUM'],
  [
    'The average number of stars?',
    'AVERAGE > 36542, 4512, 3934',
    [0, 1, 2].map((row) => [row, 1]),
    'AVERAGE',
  ],
])('table-question-answering emulates %s', (query, answer, coordinates, aggregator) => {
  const found = task.decode(task.emulate({ query, table }, {}), {});
  expect(found).toMatchObject({ answer, coordinates, aggregator });
  const columns = Object.values(table);
  expect(found.cells).toEqual(coordinates.map(([row, at]) => columns[at!]![row!]));
});

test('a table without rows has no answer, and that is one', () => {
  expect(task.decode(task.emulate({ query: 'How much?', table: { a: [] } }, {}), {})).toEqual({
    answer: '',
    coordinates: [],
    cells: [],
    aggregator: 'NONE',
  });
});
