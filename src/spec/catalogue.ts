import type * as z from 'zod';

/** What `spec/` needs to know of a task. `tasks/` has them; the command line brings the two together. */
export interface TaskEntry {
  readonly name: string;
  readonly aliases: readonly string[];
  readonly summary: string;
  readonly inputs: Readonly<Record<string, { kind: string; required: boolean; description: string }>>;
  readonly parameters: z.ZodObject;
}

/** What `spec/` needs to know of a contract: the tasks that it can ask for, with their parameters; undefined: all. */
export interface ContractEntry {
  readonly name: string;
  readonly tasks?: Readonly<Record<string, readonly string[]>>;
}

/** What `spec/` needs to know of the backend of this machine. */
export interface LocalEntry {
  /** The tasks that can run, each with the parameters that it heeds. */
  readonly tasks: Readonly<Record<string, readonly string[]>>;
  /** Parameters that hold others, with those that are heeded. */
  readonly nested: Readonly<Record<string, readonly string[]>>;
  /** Why no answer can be given with these literal values, beginning with the parameter's name. */
  unusableValues(parameters: Readonly<Record<string, unknown>>): string | undefined;
}

export type Catalogue = readonly TaskEntry[];

export function findEntry(catalogue: Catalogue, name: string): TaskEntry | undefined {
  return catalogue.find((task) => task.name === name || task.aliases.includes(name));
}
