import type { z } from 'zod';

/** What `spec/` needs to know of a task. `tasks/` has them; the command line brings the two together. */
export interface TaskEntry {
  readonly name: string;
  readonly aliases: readonly string[];
  readonly summary: string;
  readonly inputs: Readonly<Record<string, { kind: string; required: boolean; description: string }>>;
  readonly parameters: z.ZodObject;
}

export type Catalogue = readonly TaskEntry[];

export function findEntry(catalogue: Catalogue, name: string): TaskEntry | undefined {
  return catalogue.find((task) => task.name === name || task.aliases.includes(name));
}
