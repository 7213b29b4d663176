import type * as z from 'zod';
import { type Catalogue, findEntry, type TaskEntry } from './catalogue.ts';
import { problemsOf } from './issues.ts';
import { isBound } from './bindings.ts';
import { nearest } from '../nearest.ts';
import { didYouMean, type Locate, type Problem } from './problem.ts';

/** The parts of a job that only its task can judge; they may not have been validated yet. */
interface TaskParts {
  task: string;
  inputs?: unknown;
  parameters?: unknown;
}

/** Checks the task's name, its inputs and its literal parameters. */
export function checkTask(job: TaskParts, catalogue: Catalogue, locate: Locate): Problem[] {
  const entry = findEntry(catalogue, job.task);
  if (entry === undefined) {
    const names = catalogue.flatMap((task) => [task.name, ...task.aliases]);
    return [
      {
        kind: 'unknown-task',
        message: `unknown task "${job.task}"`,
        suggestion:
          didYouMean(nearest(job.task, names)).suggestion ??
          `known are ${catalogue.map((task) => task.name).join(', ')}`,
        ...locate(['task']),
      },
    ];
  }
  // Without any, a required one is missing.
  const { parameters = {} } = job;
  return [
    ...(isMapping(job.inputs) ? checkInputs(job.inputs, entry, locate) : []),
    ...(isMapping(parameters) ? checkParameters(parameters, entry, locate) : []),
  ];
}

function checkInputs(inputs: Record<string, unknown>, entry: TaskEntry, locate: Locate): Problem[] {
  const problems: Problem[] = [];
  for (const name of Object.keys(inputs)) {
    if (Object.hasOwn(entry.inputs, name)) continue;
    const known = Object.keys(entry.inputs);
    problems.push({
      kind: 'unknown-field',
      message: `${entry.name} has no input "${name}"`,
      suggestion: didYouMean(nearest(name, known)).suggestion ?? `its inputs are ${known.join(', ')}`,
      ...locate(['inputs', name], 'key'),
    });
  }
  for (const [name, input] of Object.entries(entry.inputs)) {
    if (!input.required || Object.hasOwn(inputs, name)) continue;
    problems.push({
      kind: 'missing-field',
      message: `${entry.name} needs the input "${name}": ${input.description}`,
      ...locate(['inputs'], 'key'),
    });
  }
  return problems;
}

/** Literal parameters are checked whole; of bound ones only the name can be, their values come with the rows. */
function checkParameters(parameters: Record<string, unknown>, entry: TaskEntry, locate: Locate): Problem[] {
  const { extra, ...named } = parameters;
  const problems: Problem[] = [];
  if (extra !== undefined && !isMapping(extra)) {
    problems.push({
      kind: 'wrong-type',
      message: 'parameters.extra: wanted a mapping',
      ...locate(['parameters', 'extra']),
    });
  }
  const known = Object.keys(entry.parameters.shape);
  const literals: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(named)) {
    if (!known.includes(name)) {
      problems.push({
        kind: 'unknown-field',
        message: `${entry.name} has no parameter "${name}"`,
        suggestion: didYouMean(nearest(name, known)).suggestion ?? 'parameters.extra passes anything through',
        ...locate(['parameters', name], 'key'),
      });
    } else if (!isBound(value)) literals[name] = literalOf(value);
  }
  const bound = Object.keys(named).filter((name) => isBound(named[name]));
  const result = entry.parameters.safeParse(literals, { reportInput: true });
  for (const issue of result.error?.issues ?? []) {
    // A required parameter that comes from a column is there.
    if (bound.includes(String(issue.path[0]))) continue;
    problems.push(...problemsOf(issue as z.core.$ZodIssue, ['parameters'], locate, () => known));
  }
  return problems;
}

function literalOf(value: unknown): unknown {
  return isMapping(value) && Object.keys(value).length === 1 && 'value' in value ? value.value : value;
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
