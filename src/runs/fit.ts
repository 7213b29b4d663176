import type * as z from 'zod';
import { SluiceError } from '../errors.ts';
import { compileMapping, type Mapping, type MappingEntry } from '../mapping/mapping.ts';
import { nearest } from '../nearest.ts';
import type { Dataset } from '../sources/dataset.ts';
import type { Job } from '../spec/job.ts';
import { didYouMean, type Locate, type Place, type Problem } from '../spec/problem.ts';
import type { Parameters, Task } from '../tasks/task.ts';
import { namedMedia } from './named-media.ts';

/** Name of the column that says why a row failed; with `on_row_error: keep`. */
const errorColumn = 'error';

/** A job beside its source: with problems, the rest must not be used. */
export interface Fit {
  problems: Problem[];
  mapping: Mapping;
  /** The parameters that are the same for every row. */
  parameters: Parameters;
  /** Source columns that the output keeps, in order. */
  kept: string[];
  /** Result columns with their names in the output, in order. */
  results: { name: string; as: string }[];
}

/**
 * Holds everything that a job says of columns against those of its source.
 * @param task undefined where the job names none that there is: its columns are checked all the same
 */
export async function fitTo(
  dataset: Dataset,
  job: Job,
  task: Task | undefined,
  locate: Locate,
): Promise<Fit> {
  const { where } = job.source;
  const problems = where === undefined ? [] : await conditionProblems(dataset, where, locate);
  const { mapping, problems: mappingProblems } = compileMapping(
    entriesOf(job, task),
    dataset.schema,
    namedMedia,
  );
  for (const { name, kind, message, suggestion } of mappingProblems) {
    // Which types are right, only the task can say.
    if (task === undefined && kind === 'wrong-column-type') continue;
    const path = name in job.inputs ? ['inputs', name] : ['parameters', name];
    problems.push({ kind, message, ...(suggestion === undefined ? {} : { suggestion }), ...locate(path) });
  }
  const names = dataset.columns.map((column) => column.name);
  const kept = keptColumns(job, names, locate, problems);
  const parameters = task === undefined ? {} : literalParameters(job, task);
  const results = task === undefined ? [] : resultColumns(job, task, parameters, locate, problems);
  problems.push(...collisions(kept, results, locate));
  return { problems, mapping, parameters, kept, results };
}

function entriesOf(job: Job, task: Task | undefined): MappingEntry[] {
  const inputs = Object.entries(job.inputs).map(([name, binding]): MappingEntry => {
    const { kind, required } = task?.inputs[name] ?? { kind: 'parameter', required: false };
    return { name, binding, kind, required };
  });
  const parameters = Object.entries(job.parameters).flatMap(([name, binding]): MappingEntry[] =>
    binding.kind === 'literal'
      ? []
      : [{ name, binding, kind: 'parameter', required: task !== undefined && isRequired(task, name) }],
  );
  return [...inputs, ...parameters];
}

/** A row without a required parameter cannot be asked. */
function isRequired({ parameters }: Task, name: string): boolean {
  return !(parameters.shape[name] as z.ZodType).safeParse(undefined).success;
}

/** As the task's schema reads them: labels in one text become the list that the API takes. */
function literalParameters(job: Job, task: Task): Parameters {
  const literals: Parameters = {};
  for (const [name, binding] of Object.entries(job.parameters)) {
    if (binding.kind === 'literal') literals[name] = binding.value;
  }
  const { extra, ...named } = literals;
  return { ...task.parameters.partial().parse(named), ...(extra as Parameters | undefined) };
}

async function conditionProblems(dataset: Dataset, where: string, locate: Locate): Promise<Problem[]> {
  try {
    await dataset.checkWhere(where);
    return [];
  } catch (error) {
    return [problemOf(error, 'bad-condition', locate(['source', 'where']))];
  }
}

/** What the source said, as a problem of the job file. @throws what is no word for the user */
export function problemOf(error: unknown, kind: Problem['kind'], place: Place): Problem {
  if (!(error instanceof SluiceError)) throw error;
  const { message, next } = error;
  return { kind, message, ...(next === undefined ? {} : { suggestion: next }), ...place };
}

function keptColumns(job: Job, names: readonly string[], locate: Locate, problems: Problem[]): string[] {
  const { keep } = job.output;
  if (keep === '*') return [...names];
  for (const [i, name] of keep.entries()) {
    if (names.includes(name)) continue;
    const hint = didYouMean(nearest(name, names)).suggestion ?? `its columns are ${names.join(', ')}`;
    problems.push({
      kind: 'unknown-column',
      message: `the source has no column "${name}"`,
      suggestion: hint,
      ...locate(['output', 'keep', i]),
    });
  }
  return [...new Set(keep)];
}

/** The wanted result columns under their output names; `error` keeps its name unless `output.columns` gives it another. */
function resultColumns(
  job: Job,
  task: Task,
  parameters: Parameters,
  locate: Locate,
  problems: Problem[],
): { name: string; as: string }[] {
  const { columns, prefix } = job.output;
  const known = task.columns(parameters).map((field) => field.name);
  const withError = job.errors.onRowError === 'keep';
  for (const name of Object.keys(columns ?? {})) {
    if (known.includes(name) || (withError && name === errorColumn)) continue;
    problems.push({
      kind: 'unknown-column',
      message: `${task.name} has no result column "${name}"`,
      suggestion: didYouMean(nearest(name, known)).suggestion ?? `its result columns are ${known.join(', ')}`,
      ...locate(['output', 'columns', name], 'key'),
    });
  }
  const wanted = columns === undefined ? known : known.filter((name) => name in columns);
  const results = wanted.map((name) => ({ name, as: `${prefix}${columns?.[name] ?? name}` }));
  if (withError) results.push({ name: errorColumn, as: columns?.[errorColumn] ?? errorColumn });
  return results;
}

function collisions(kept: readonly string[], results: readonly { as: string }[], locate: Locate): Problem[] {
  const problems: Problem[] = [];
  const taken = new Set(kept.map((name) => name.toLowerCase()));
  for (const { as } of results) {
    if (taken.has(as.toLowerCase())) {
      problems.push({
        kind: 'column-collision',
        message: `the output would have two columns named "${as}"`,
        suggestion: 'leave it out of output.keep, or rename the result with output.prefix or output.columns',
        ...locate(['output', 'keep']),
      });
    }
    taken.add(as.toLowerCase());
  }
  return problems;
}
