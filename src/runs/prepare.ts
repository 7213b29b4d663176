import { resolve } from 'node:path';
import type { RecordBatch } from 'apache-arrow';
import type { Engine } from '../duckdb/engine.ts';
import { SluiceError } from '../errors.ts';
import { Dataset } from '../sources/dataset.ts';
import type { Relation, SourceFile } from '../sources/format.ts';
import type { Job } from '../spec/job.ts';
import type { Locate, Problem } from '../spec/problem.ts';
import type { Inputs, Parameters, Task } from '../tasks/task.ts';
import { writers } from '../writers/index.ts';
import type { Writer } from '../writers/writer.ts';
import { boundParameters } from './bound-parameters.ts';
import { fitTo, problemOf } from './fit.ts';
import { type Plan, type Shard, sampleCondition } from './plan.ts';
import type { BindMapping } from './shard-work.ts';

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
  const dataset = await openSource(job, engine);
  refuseOutputAsSource(job, dataset.files);
  const { problems, mapping, parameters, kept, results } = await fitTo(dataset, job, task, locate);
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

/**
 * What the real source says of the draft of a job that has problems already, so that all of them are told at once.
 * @param task undefined where the job names none that there is
 */
export async function draftProblems(
  draft: Job,
  task: Task | undefined,
  engine: Engine,
  locate: Locate,
): Promise<Problem[]> {
  let dataset: Dataset;
  try {
    dataset = await openSource(draft, engine);
  } catch (error) {
    return [problemOf(error, 'bad-source', locate(['source', 'path']))];
  }
  try {
    return (await fitTo(dataset, draft, task, locate)).problems;
  } finally {
    dataset.close();
  }
}

async function openSource({ source: { paths, format } }: Job, engine: Engine): Promise<Dataset> {
  const dataset = await Dataset.open(engine, { paths, ...(format === undefined ? {} : { format }) });
  try {
    await dataset.checkReadable();
    return dataset;
  } catch (error) {
    dataset.close();
    throw error;
  }
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
