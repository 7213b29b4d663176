import type { RecordBatch, Schema } from 'apache-arrow';
import { rowsOf } from '../../src/arrow/rows.ts';
import type { Engine } from '../../src/duckdb/engine.ts';
import { arrowFeed } from '../../src/duckdb/from-arrow.ts';

/** The rows of the batches after they went into DuckDB and came back. */
export async function roundTrip(
  engine: Engine,
  schema: Schema,
  batches: Iterable<RecordBatch>,
): Promise<{ rows: Record<string, unknown>[]; types: string[] }> {
  using handle = engine.register(arrowFeed(schema, batches));
  const rows: Record<string, unknown>[] = [];
  for await (const batch of engine.stream(`SELECT * FROM ${handle.sql}`)) rows.push(...rowsOf(batch));
  const columns = await engine.describe(`SELECT * FROM ${handle.sql}`);
  return { rows, types: columns.map((column) => String(column.type)) };
}
