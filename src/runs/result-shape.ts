import { DataType, Field, FixedSizeList, Int32, List, Schema, Utf8 } from 'apache-arrow';
import type { ResultRow } from '../tasks/task.ts';

/** Columns of the journal beside the task's: whose answer it is, and what went wrong. */
export const bookkeeping = [
  /** Row in the shard, from 0. */
  new Field('__row', new Int32(), false),
  /** Hash of what was asked. */
  new Field('__hash', new Utf8(), false),
  new Field('__attempts', new Int32(), false),
  /** The dead letter as JSON; null where the row succeeded. */
  new Field('__failure', new Utf8(), true),
  /** The text of the output's `error` column. */
  new Field('error', new Utf8(), true),
] as const;

/** The answer's vector has another length than those before it: it does not fit the column. */
export class DimensionError extends Error {
  override readonly name = 'DimensionError';
}

/**
 * The result columns of a run. Their types are fixed before the first row, all but one number: how long an embedding
 * is, only the first answer tells. From then on another length is that row's error, never a changed schema.
 */
export class ResultShape {
  readonly #columns: readonly Field[];
  /** The columns whose length the first answer tells; most tasks have none. */
  readonly #open: readonly Field[];
  readonly #dimensions: Map<string, number>;
  #schema: Schema | undefined;

  constructor(columns: readonly Field[], dimensions: Readonly<Record<string, number>> = {}) {
    this.#columns = columns;
    this.#open = columns.filter(isOpen);
    this.#dimensions = new Map(Object.entries(dimensions));
  }

  /** Lengths learnt so far, by column; kept in the plan. */
  get dimensions(): Record<string, number> {
    return Object.fromEntries(this.#dimensions);
  }

  /** For how many columns the length is known. */
  get known(): number {
    return this.#dimensions.size;
  }

  /** The result columns as they are known now. A vector of unknown length is a list. */
  get fields(): Field[] {
    return this.#columns.map((field) => resolve(field, this.#dimensions.get(field.name)));
  }

  /** Schema of a journal batch. */
  get schema(): Schema {
    this.#schema ??= new Schema([...bookkeeping, ...this.fields]);
    return this.#schema;
  }

  /**
   * Checks a row's vectors against the known lengths.
   * @returns true when the row told a length that was not known before
   * @throws {DimensionError}
   */
  learn(row: ResultRow): boolean {
    let learnt = false;
    for (const field of this.#open) {
      for (const length of vectorLengths(field, row[field.name])) {
        const known = this.#dimensions.get(field.name);
        if (known === undefined) {
          this.#dimensions.set(field.name, length);
          this.#schema = undefined;
          learnt = true;
        } else if (known !== length) {
          throw new DimensionError(`${field.name}: ${length} numbers, but the rows before had ${known}`);
        }
      }
    }
    return learnt;
  }

  /** Takes over what a journal's schema knows, for a run that was killed before its plan said so. */
  learnSchema(schema: Schema): void {
    for (const field of this.#open) {
      const found = schema.fields.find((candidate) => candidate.name === field.name);
      const length = found === undefined ? 0 : fixedSizeOf(found);
      if (length > 0 && !this.#dimensions.has(field.name)) {
        this.#dimensions.set(field.name, length);
        this.#schema = undefined;
      }
    }
  }
}

/** `listSize` 0 marks a length that the first answer tells; the vector may stand in a list (one for each token). */
function isOpen(field: Field): boolean {
  return fixedSizeList(field)?.listSize === 0;
}

function fixedSizeList(field: Field): FixedSizeList | undefined {
  if (DataType.isFixedSizeList(field.type)) return field.type;
  return DataType.isList(field.type) ? fixedSizeList(field.type.children[0]!) : undefined;
}

function fixedSizeOf(field: Field): number {
  return fixedSizeList(field)?.listSize ?? 0;
}

function resolve(field: Field, length: number | undefined): Field {
  if (!isOpen(field)) return field;
  if (DataType.isList(field.type)) {
    return new Field(field.name, new List(resolve(field.type.children[0]!, length)), field.nullable);
  }
  const child = (field.type as FixedSizeList).children[0]!;
  const type = length === undefined ? new List(child) : new FixedSizeList(length, child);
  return new Field(field.name, type, field.nullable);
}

function vectorLengths(field: Field, value: unknown): number[] {
  if (value === null || value === undefined) return [];
  if (DataType.isList(field.type))
    return (value as unknown[]).flatMap((item) => vectorLengths(field.type.children[0]!, item));
  return [(value as ArrayLike<number>).length];
}
