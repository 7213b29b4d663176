import { type DataType, Field, makeData, RecordBatch, Schema, Struct, vectorFromArray } from 'apache-arrow';

/** A batch of columns given by type and values. */
export function batchOf(
  columns: Record<string, { type: DataType; values: readonly unknown[] }>,
): RecordBatch {
  const fields = Object.entries(columns).map(([name, { type }]) => new Field(name, type, true));
  const children = Object.values(columns).map(({ type, values }) => vectorFromArray(values, type).data[0]!);
  const length = Object.values(columns)[0]?.values.length ?? 0;
  const schema = new Schema(fields);
  return new RecordBatch(schema, makeData({ type: new Struct(fields), length, children }));
}
