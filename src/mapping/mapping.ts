import type { RecordBatch, Schema } from 'apache-arrow';
import type { Binding } from '../spec/job.ts';
import { compileBinding, type Read, type ValueKind } from './binding.ts';
import { MappingError } from './mapping-error.ts';
import type { MediaReader } from './named-bytes.ts';
import type { BindingProblem } from './template.ts';

export { MappingError } from './mapping-error.ts';
export type { MediaReader } from './named-bytes.ts';

/** A task input or a parameter, and where its value comes from. */
export interface MappingEntry {
  name: string;
  binding: Binding;
  kind: ValueKind;
  /** A row where it is null fails; else it is left out. */
  required: boolean;
}

/** What is wrong with a mapping, told before the run. */
export interface MappingProblem extends BindingProblem {
  /** Name of the entry. */
  name: string;
}

/**
 * Gives the values of a row by name; those that are null are left out.
 * @throws {MappingError} or rejects with it, where the row does not make what is wanted
 */
export type MapRow = (row: number) => Record<string, unknown> | Promise<Record<string, unknown>>;

export interface Mapping {
  /** Top-level source columns that it reads, in the order of the source. */
  columns: readonly string[];
  /**
   * Prepares for one batch; a row then costs no look-up. Only entries that may be files make promises.
   * @param file path of the source file that the batch is of
   */
  bind(batch: RecordBatch, file: string): MapRow;
}

/**
 * Holds bindings against the schema of their source, once, and makes of them a function over batches.
 * @returns the mapping, and every problem; with problems, it must not be bound
 */
export function compileMapping(
  entries: readonly MappingEntry[],
  schema: Schema,
  reader: MediaReader,
): { mapping: Mapping; problems: MappingProblem[] } {
  const compiled = entries.map((entry) => ({ ...entry, ...compileBinding(entry, schema, reader) }));
  const needed = new Set(compiled.flatMap(({ columns }) => columns));
  const isSync = compiled.every(({ reads }) => reads === undefined);
  return {
    problems: compiled.flatMap(({ name, problems }) => problems.map((problem) => ({ ...problem, name }))),
    mapping: {
      columns: schema.fields.map((field) => field.name).filter((name) => needed.has(name)),
      bind: (batch, file) => {
        const readers = compiled.map(({ name, required, bind }) =>
          namedReader(name, required, bind(batch, file)),
        );
        return isSync ? (row) => valuesOf(readers, row) : (row) => awaitedValuesOf(readers, row);
      },
    },
  };
}

interface Reader {
  name: string;
  read: Read;
}

/** A reader whose failures carry its name, and that refuses the nulls that may not be. */
function namedReader(name: string, required: boolean, read: Read): Reader {
  const checked = (value: unknown) => {
    if (required && (value === null || value === undefined)) throw new MappingError('is null');
    return value;
  };
  const named = (error: unknown) =>
    error instanceof MappingError ? new MappingError(`"${name}" ${error.message}`) : error;
  return {
    name,
    read: (row) => {
      try {
        const value = read(row);
        if (!(value instanceof Promise)) return checked(value);
        return value.then(checked).catch((error: unknown) => {
          throw named(error);
        });
      } catch (error) {
        throw named(error);
      }
    },
  };
}

function valuesOf(readers: readonly Reader[], row: number): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  for (const { name, read } of readers) {
    const value = read(row);
    if (value !== null && value !== undefined) values[name] = value;
  }
  return values;
}

async function awaitedValuesOf(readers: readonly Reader[], row: number): Promise<Record<string, unknown>> {
  const values: Record<string, unknown> = {};
  for (const { name, read } of readers) {
    const value = await read(row);
    if (value !== null && value !== undefined) values[name] = value;
  }
  return values;
}
