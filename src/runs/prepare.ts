import { resolve } from 'node:path';
import type { RecordBatch } from 'apache-arrow';
import type { z } from 'zod';
import type { Engine } from '../duckdb/engine.ts';
import { SluiceError } from '../errors.ts';
import { compileMapping, type MappingEntry } from '../mapping/mapping.ts';
import { nearest } from '../nearest.ts';
import { Dataset } from '../sources/dataset.ts';
import type { Relation, SourceFile } from '../sources/format.ts';
import type { Job } from '../spec/job.ts';
import { didYouMean, type Locate, type Problem } from '../spec/problem.ts';
import type { Inputs, Parameters, Task } from '../tasks/task.ts';
import { writers } from '../writers/index.ts';
import type { Writer } from '../writers/writer.ts';
import { boundParameters } from './bound-parameters.ts';
import { namedMedia } from './named-media.ts';
import { type Plan, type Shard, sampleCondition } from './plan.ts';
import type { BindMapping } from './shard-work.ts';

/** Name of the column that says why a row failed; with `on_row_error: keep`. */
const errorColumn = 'error';

/** A job that fits its source: columns checked, mapping compiled, every output column named. */
export interface Prepared {
  job: Job;
  task: Task;
  dataset: Dataset;
  /** The dataset's files by path. */
  files: ReadonlyMap<string, SourceFile>;
  /** The parameters that are the same for every row; they decide the result columns. */
  parameters: Parameters;
  /** Source columns that the mapping reads, and those that the output keeps, in order. */
  needed: readonly string[];
  kept: readonly string[];
  /** Result columns with their names in the output, in order. */
  results: readonly { name: string; as: string }[];
  bind: BindMapping;
  writer: Writer;
}

/**
 * Holds a job against its real source: every column that it names, and every name in its output. Sends nothing.
 * @returns the problems, and the prepared job where there are none
 * @throws {SluiceError} SOURCE_… when the source itself cannot be used
 */
export async function prepare(
  job: Job,
  task: Task,
  engine: Engine,
  locate: Locate,
): Promise<{ prepared: Prepared | undefined; problems: Problem[] }> {
  const { paths, format, where } = job.source;
  const dataset = await Dataset.open(engine, { paths, ...(format === undefined ? {} : { format }) });
  refuseOutputAsSource(job, dataset.files);
  const problems: Problem[] = [];
  if (where !== undefined) problems.push(...(await conditionProblems(dataset, where, locate)));
  const { mapping, problems: mappingProblems } = compileMapping(
    entriesOf(job, task),
    dataset.schema,
    namedMedia,
  );
  for (const { name, kind, message, suggestion } of mappingProblems) {
    const path = name in job.inputs ? ['inputs', name] : ['parameters', name];
    problems.push({ kind, message, ...(suggestion === undefined ? {} : { suggestion }), ...locate(path) });
  }
  const parameters = literalParameters(job, task);
  const names = dataset.columns.map((column) => column.name);
  const kept = keptColumns(job, names, locate, problems);
  const results = resultColumns(job, task, parameters, locate, problems);
  problems.push(...collisions(kept, results, locate));
  if (problems.length > 0) {
    dataset.close();
    return { prepared: undefined, problems };
  }
  const inputNames = new Set(Object.keys(job.inputs));
  const check = boundParameters(task);
  const bind: BindMapping = (batch: RecordBatch, path: string) => {
    const evaluate = mapping.bind(batch, path);
    const question = (values: Record<string, unknown>) => questionOf(values, inputNames, check, parameters);
    return (row) => {
      const values = evaluate(row);
      return values instanceof Promise ? values.then(question) : question(values);
    };
  };
  const prepared = {
    job,
    task,
    dataset,
    files: new Map(dataset.files.map((file) => [file.path, file])),
    parameters,
    needed: mapping.columns,
    kept,
    results,
    bind,
    writer: writers[job.output.format],
  };
  return { prepared, problems };
}

/** The rows of a shard that the job reads, with these columns: after the sample and `where`. */
export function shardRelation(
  prepared: Prepared,
  plan: Plan,
  shard: Shard,
  columns: readonly string[],
): Relation {
  const { dataset, job } = prepared;
  const file = shardFile(prepared, plan, shard);
  const range = {
    file,
    start: shard.start,
    rows: shard.rows,
    ...(shard.mark === undefined ? {} : { mark: shard.mark }),
  };
  const relation = dataset.relation(range, columns, job.source.where);
  if (plan.sampledFrom === undefined || job.source.sample === undefined) return relation;
  const before = plan.files.slice(0, shard.file).reduce((sum, { rows }) => sum + rows, 0);
  const chosen = sampleCondition(before, plan.sampledFrom, job.source.sample);
  return {
    sql: `SELECT * FROM (${relation.sql}) WHERE ${chosen}`,
    [Symbol.dispose]: () => relation[Symbol.dispose](),
  };
}

/** The source file of a shard. */
export function shardFile(prepared: Prepared, plan: Plan, shard: Shard): SourceFile {
  const { path } = plan.files[shard.file]!;
  return prepared.files.get(path)!;
}

function entriesOf(job: Job, task: Task): MappingEntry[] {
  const inputs = Object.entries(job.inputs).map(([name, binding]): MappingEntry => {
    const { kind, required } = task.inputs[name]!;
    return { name, binding, kind, required };
  });
  const parameters = Object.entries(job.parameters).flatMap(([name, binding]): MappingEntry[] =>
    binding.kind === 'literal'
      ? []
      : [{ name, binding, kind: 'parameter', required: isRequired(task, name) }],
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

function questionOf(
  values: Record<string, unknown>,
  inputNames: ReadonlySet<string>,
  check: (bound: Parameters) => Parameters,
  literals: Parameters,
): { inputs: Inputs; parameters: Parameters } {
  const inputs: Record<string, unknown> = {};
  let bound: Record<string, unknown> | undefined;
  for (const name in values) {
    if (inputNames.has(name)) inputs[name] = values[name];
    else {
      bound ??= {};
      bound[name] = values[name];
    }
  }
  if (bound === undefined) return { inputs: inputs as Inputs, parameters: literals };
  return { inputs: inputs as Inputs, parameters: { ...literals, ...check(bound) } };
}

async function conditionProblems(dataset: Dataset, where: string, locate: Locate): Promise<Problem[]> {
  try {
    await dataset.checkWhere(where);
    return [];
  } catch (error) {
    if (!(error instanceof SluiceError)) throw error;
    const { message, next } = error;
    return [
      {
        kind: 'bad-condition',
        message,
        ...(next === undefined ? {} : { suggestion: next }),
        ...locate(['source', 'where']),
      },
    ];
  }
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

/** A run that reads its own output would find new rows each time, and pay for them. */
function refuseOutputAsSource(job: Job, files: readonly SourceFile[]): void {
  const output = `${resolve(job.output.path)}/`;
  const inside = files.find(({ path }) => resolve(path).startsWith(output));
  const around = job.source.paths.find((path) => output.startsWith(`${resolve(path)}/`));
  if (inside === undefined && around === undefined) return;
  throw new SluiceError(
    'SOURCE_IS_OUTPUT',
    `source ${inside?.path ?? around}: would read what is written to ${job.output.path}`,
    {
      next: 'choose an output.path outside the source',
    },
  );
}
