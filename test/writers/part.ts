import * as arrow from 'apache-arrow';
import { buildBatch } from '../../src/arrow/build.ts';
import { arrowFeed } from '../../src/duckdb/from-arrow.ts';
import type { Feed } from '../../src/duckdb/feed.ts';

export const field = (name: string, type: arrow.DataType) => new arrow.Field(name, type, true);
export const list = (type: arrow.DataType) => new arrow.List(field('item', type));
export const struct = (fields: Record<string, arrow.DataType>) =>
  new arrow.Struct(Object.entries(fields).map(([name, type]) => field(name, type)));
export const vector = (size: number) => new arrow.FixedSizeList(size, field('item', new arrow.Float32()));

/** Results as a run hands them over: batches of `batchRows` rows, `__row` from `first` on. */
export function resultsOf(
  fields: readonly arrow.Field[],
  rows: readonly Record<string, unknown>[],
  { first = 0, batchRows = 1000 } = {},
): Feed {
  const schema = new arrow.Schema([new arrow.Field('__row', new arrow.Int64(), false), ...fields]);
  const batches: arrow.RecordBatch[] = [];
  for (let from = 0; from < rows.length; from += batchRows) {
    const numbered = rows
      .slice(from, from + batchRows)
      .map((row, i) => ({ __row: first + from + i, ...row }));
    batches.push(buildBatch(schema, numbered));
  }
  return arrowFeed(schema, batches);
}
