import { type Data, DataType, type Field, type RecordBatch, type Schema, Vector } from 'apache-arrow';
import { cell } from '../arrow/rows.ts';

/** A column, or a field inside a struct column. */
export interface ColumnPath {
  /** As the user wrote it. */
  text: string;
  /** The top-level column. */
  column: string;
  /** Names of the struct fields below it, from the outside in. */
  fields: readonly string[];
  type: DataType;
}

/** The column that a name means: one of exactly that name, or else a path of dots into structs. */
export function resolveColumn(schema: Schema, name: string): ColumnPath | undefined {
  const found = resolveField(schema.fields, name);
  if (found === undefined) return undefined;
  const [column, ...fields] = found.names;
  return { text: name, column: column!, fields, type: found.type };
}

function resolveField(
  fields: readonly Field[],
  name: string,
): { names: string[]; type: DataType } | undefined {
  const exact = fields.find((field) => field.name === name);
  if (exact !== undefined) return { names: [name], type: exact.type };
  for (let dot = name.lastIndexOf('.'); dot > 0; dot = name.lastIndexOf('.', dot - 1)) {
    const outer = fields.find((field) => field.name === name.slice(0, dot));
    if (outer === undefined || !DataType.isStruct(outer.type)) continue;
    const inner = resolveField(outer.type.children, name.slice(dot + 1));
    if (inner !== undefined) return { names: [outer.name, ...inner.names], type: inner.type };
  }
  return undefined;
}

/** Names of all columns and struct fields, for "did you mean". */
export function columnNames(fields: readonly Field[], prefix = ''): string[] {
  return fields.flatMap(({ name, type }) => [
    prefix + name,
    ...(DataType.isStruct(type) ? columnNames(type.children, `${prefix}${name}.`) : []),
  ]);
}

/** The values of one column in one batch. */
export interface BoundColumn {
  data: Data;
  /** A null of an outer struct is a null of the field, whatever the field's own buffer says. */
  isNull(row: number): boolean;
  /** The value, exact, as `arrow/rows.ts` gives it. */
  value(row: number): unknown;
}

/** Finds the column's buffers once for a batch, so that a row costs no look-up. */
export function bindColumn(batch: RecordBatch, { column, fields }: ColumnPath): BoundColumn {
  let data = childOf(batch.data, column);
  const nullable: Data[] = [data];
  for (const field of fields) {
    data = childOf(data, field);
    nullable.push(data);
  }
  const checked = nullable.filter((level) => level.nullCount > 0);
  const vector = new Vector([data]);
  const isNull = (row: number) => checked.some((level) => !level.getValid(row));
  return { data, isNull, value: (row) => (isNull(row) ? null : cell(vector, row)) };
}

function childOf(data: Data, name: string): Data {
  const index = (data.type.children as Field[]).findIndex((field) => field.name === name);
  const child = data.children[index];
  if (child === undefined) throw new Error(`mapping column not in the batch: ${name}`);
  return child;
}
