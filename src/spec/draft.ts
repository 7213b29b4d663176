import { isBound } from './bindings.ts';
import { findEntry } from './catalogue.ts';
import { type JobFields, jobFields } from './fields.ts';
import type { Job } from './job.ts';
import { type JobContext, jobOf } from './normalise.ts';

type Path = readonly PropertyKey[];

/**
 * What can be held against the source of a job file that has problems: the job without what is wrong in it. A person
 * mends all of a file at once, so its columns are checked although something else is wrong, too.
 * @param wrong places in the file, each with a problem of its own
 * @returns undefined where too little is left, for one without a source. Its task may be unknown. Never to be run.
 */
export function draftOf(
  value: Readonly<Record<string, unknown>>,
  wrong: readonly Path[],
  context: JobContext,
): Job | undefined {
  const rest: Record<string, unknown> = structuredClone(value);
  for (const path of wrong) remove(rest, path);
  rest.task ??= 'unknown';
  rest.inputs ??= {};
  const output = typeof rest.output === 'object' && rest.output !== null ? rest.output : {};
  rest.output = { path: 'unknown', ...output };
  const { data } = jobFields.safeParse(rest);
  return data && jobOf(withoutStrangers(data, context), context);
}

/** Removes what is at a path; of a list the whole list, whose other items would move. */
function remove(root: Record<string, unknown>, path: Path): void {
  let at: Record<PropertyKey, unknown> = root;
  for (const key of path.slice(0, -1)) {
    const inner = at[key];
    if (typeof inner !== 'object' || inner === null) return;
    if (Array.isArray(inner)) {
      delete at[key];
      return;
    }
    at = inner as Record<PropertyKey, unknown>;
  }
  delete at[path.at(-1)!];
}

/** Inputs and parameters that the task has, with literals that it takes. */
function withoutStrangers(fields: JobFields, { catalogue }: JobContext): JobFields {
  const entry = findEntry(catalogue, fields.task);
  if (entry === undefined) return { ...fields, parameters: {} };
  const { extra: _, ...parameters } = fields.parameters;
  const refused = entry.parameters.partial().safeParse(parameters).error?.issues ?? [];
  const wrong = new Set(refused.map(({ path }) => String(path[0])));
  return {
    ...fields,
    inputs: only(fields.inputs, (name) => Object.hasOwn(entry.inputs, name)),
    // A bound one is refused here for the text that it stands as in the file.
    parameters: only(
      parameters,
      (name) => name in entry.parameters.shape && (isBound(parameters[name]) || !wrong.has(name)),
    ),
  };
}

function only<T>(
  values: Readonly<Record<string, T>>,
  isWanted: (name: string) => boolean,
): Record<string, T> {
  return Object.fromEntries(Object.entries(values).filter(([name]) => isWanted(name)));
}
