import * as z from 'zod';
import { column, int32, listOf, utf8 } from './arrow-types.ts';
import { wordsIn } from './hash.ts';
import { isInt32, isObject, itemsOf } from './shapes.ts';
import { DecodeError } from './task.ts';
import type { Inputs, ResultRow, Task } from './task.ts';

export const tableQuestionAnswering: Task = {
  name: 'table-question-answering',
  aliases: [],
  summary: 'Finds the answer to a question in a table',
  inputs: {
    query: { kind: 'text', required: true, description: 'The question' },
    table: {
      kind: 'table',
      required: true,
      description: 'The table: a struct or map of equally long lists, its JSON, or the path of a CSV file',
    },
  },
  parameters: z.strictObject({
    padding: z
      .enum(['do_not_pad', 'longest', 'max_length'])
      .describe('How the tokens of the table are padded')
      .optional(),
    sequential: z
      .boolean()
      .describe('Read the table piece by piece, for models that need that; slower')
      .meta({ default: false })
      .optional(),
    truncation: z.boolean().describe('Leave rows of a table out that is too long for the model').optional(),
  }),
  exampleModel: 'google/tapas-base-finetuned-wtq',
  example: { inputs: { query: 'question', table: 'table' } },
  columns: () => [
    column('answer', utf8()),
    column('coordinates', listOf(listOf(int32()))),
    column('cells', listOf(utf8())),
    column('aggregator', utf8()),
  ],
  decode: decodeAnswer,
  emulate: emulateAnswer,
};

/**
 * Known shapes: `{answer, coordinates, cells, aggregator}`, also as a list of one. Models without aggregation leave
 * `aggregator` out, and models that write the answer (TAPEX) everything but `answer`: these are then empty.
 */
function decodeAnswer(answer: unknown): ResultRow {
  const [item, ...others] = itemsOf(answer) ?? [];
  if (!isObject(item) || others.length > 0) throw new DecodeError('{answer, coordinates, cells}', answer);
  const { answer: text, coordinates = [], cells = [], aggregator = '' } = item;
  if (typeof text !== 'string') throw new DecodeError('an answer that is a text', answer);
  if (!Array.isArray(coordinates) || !coordinates.every(isPlace))
    throw new DecodeError('coordinates that are pairs of whole numbers', answer);
  if (!Array.isArray(cells) || !cells.every((cell) => typeof cell === 'string'))
    throw new DecodeError('cells that are texts', answer);
  if (typeof aggregator !== 'string') throw new DecodeError('an aggregator that is a text', answer);
  return { answer: text, coordinates, cells, aggregator };
}

function isPlace(value: unknown): boolean {
  return Array.isArray(value) && value.length === 2 && value.every(isInt32);
}

const AGGREGATORS: readonly (readonly [RegExp, string])[] = [
  [/\baverage|\bmean\b/i, 'AVERAGE'],
  [/\bsum\b|\btotal\b|\baltogether\b/i, 'SUM'],
  [/\bhow many (?:rows|entries|different)\b|\bcount\b/i, 'COUNT'],
];

/** The column whose name the query has, in the row whose cells it has; all rows where it has none of their cells. */
function emulateAnswer(inputs: Inputs): unknown {
  const query = String(inputs.query);
  const columns = Object.entries(inputs.table as Record<string, string[]>);
  const asked = new Set(wordsIn(query));
  const shares = (text: string) => wordsIn(text).filter((word) => asked.has(word)).length;
  const [, cellsByRow] = columns[0] ?? ['', []];
  const scores = cellsByRow.map((_, row) =>
    columns.reduce((sum, [, cells]) => sum + shares(cells[row] ?? ''), 0),
  );
  const most = Math.max(0, ...scores);
  const rows = scores.flatMap((score, row) => (score === most ? [row] : []));
  const named = columns.map(([name]) => shares(name));
  // The last of equals: the first columns name the rows.
  const at = named.lastIndexOf(Math.max(...named));
  const cells = rows.map((row) => columns[at]?.[1][row] ?? '');
  const aggregator = AGGREGATORS.find(([pattern]) => pattern.test(query))?.[1] ?? 'NONE';
  return {
    answer: `${aggregator === 'NONE' ? '' : `${aggregator} > `}${cells.join(', ')}`,
    coordinates: rows.map((row) => [row, at]),
    cells,
    aggregator,
  };
}
