import { basename } from 'node:path';
import { z } from 'zod';
import { type Catalogue, type ContractEntry, findEntry, type LocalEntry } from './catalogue.ts';
import { checkContract } from './check-contract.ts';
import { checkLocal } from './check-local.ts';
import { checkTask } from './check-task.ts';
import { expand, scalarOf } from './environment.ts';
import { defaultUrl, folderPath, type JobFields, jobFields } from './fields.ts';
import { problemsOf } from './issues.ts';
import type { Job } from './job.ts';
import { compressionsOf, jobOf } from './normalise.ts';
import { applyOverride, parseOverride } from './overrides.ts';
import type { Locate, Problem } from './problem.ts';
import { readSource } from './source-text.ts';

export interface ReadJobOptions {
  /** The job file's path, for messages and for the default of `name`. */
  file: string;
  env: Readonly<Record<string, string | undefined>>;
  /** `a.b=value`, from the command line. */
  set: readonly string[];
  catalogue: Catalogue;
  /** By their names in a job file. */
  contracts: Readonly<Record<string, ContractEntry>>;
  /** The backend of this machine. */
  local: LocalEntry;
}

export interface ReadJob {
  /** Undefined when there are problems. */
  job: Job | undefined;
  problems: Problem[];
  /** Where a field stands, for problems that only the source or the server can tell. */
  locate: Locate;
}

/** Reads a job file and finds everything that is wrong with it. Never throws for its content. */
export function readJob(text: string, options: ReadJobOptions): ReadJob {
  const source = readSource(text, options.file);
  if (source.problems.length > 0) return { job: undefined, problems: source.problems, locate: source.locate };

  const problems: Problem[] = [];
  const overridden = new Map<string, string>();
  for (const given of options.set) {
    const override = parseOverride(given);
    if (override === undefined) {
      problems.push({
        kind: 'invalid-option',
        message: 'wanted field=value, such as limits.concurrency=8',
        file: `--set ${given}`,
      });
      continue;
    }
    applyOverride(source.value, override);
    overridden.set(override.path.join('.'), override.label);
  }
  const locate: Locate = (path, part) => {
    for (let length = path.length; length > 0; length--) {
      const label = overridden.get(path.slice(0, length).map(String).join('.'));
      if (label !== undefined) return { file: label };
    }
    // `--set model.x=1` made a mapping of a text: what is wrong with `model` is wrong on the command line.
    const below = [...overridden].find(([name]) => name.startsWith(`${path.map(String).join('.')}.`));
    if (below !== undefined && part !== 'key') return { file: below[1] };
    return source.locate(path, part);
  };

  const variables = new Map<string, string>();
  const value = expandAll(source.value, [], options.env, locate, problems, variables) as Record<
    string,
    unknown
  >;
  const fields = validate(value, variables, locate, problems);
  if (fields === undefined) {
    // What can be said of the task is said, too: a person mends all of a file at once.
    const partly = z.looseObject({ task: z.string() }).safeParse(value);
    if (partly.success) problems.push(...checkTask(partly.data, options.catalogue, locate));
    problems.push(...checkModel(value, locate));
    return { job: undefined, problems, locate };
  }
  problems.push(...checkTask(fields, options.catalogue, locate), ...checkModel(value, locate));
  const { model, backend } = fields;
  const entry = findEntry(options.catalogue, fields.task);
  const contract = options.contracts[backend.contract];
  if (backend.type === 'api' && entry !== undefined && contract !== undefined) {
    problems.push(
      ...checkContract({ parameters: fields.parameters, url: backend.url }, contract, entry, locate),
    );
  }
  if (backend.type === 'onnx' && entry !== undefined)
    problems.push(...checkLocal(fields.parameters, options.local, entry, locate));
  if (
    model === undefined &&
    (backend.type === 'onnx' ||
      (backend.url === defaultUrl && backend.contract === 'hf') ||
      backend.url.includes('{model}'))
  ) {
    const message = 'model is missing: which model should answer?';
    problems.push({
      kind: 'missing-field',
      message,
      suggestion: 'name a hub id such as owner/name',
      ...locate(['task'], 'key'),
    });
  }
  problems.push(...checkCompression(fields.output, locate));
  return { job: problems.length === 0 ? jobOf(fields, options) : undefined, problems, locate };
}

function checkCompression({ format, compression }: JobFields['output'], locate: Locate): Problem[] {
  const possible = compressionsOf[format];
  if (compression === undefined || possible.includes(compression)) return [];
  const message = `output.compression: ${format} takes ${possible.join(', ')}`;
  return [{ kind: 'invalid-option', message, ...locate(['output', 'compression']) }];
}

/** A model that is a folder goes with the onnx backend only; to a server it would be a part of the URL. */
function checkModel({ model, backend }: Record<string, unknown>, locate: Locate): Problem[] {
  const type = typeof backend === 'object' && backend !== null && 'type' in backend ? backend.type : backend;
  if (typeof model !== 'string' || type === 'onnx' || !folderPath.test(model)) return [];
  return [
    {
      kind: 'invalid-option',
      message: `model: ${model} is a folder, which only the onnx backend can use`,
      suggestion: 'name a hub id such as owner/name, or set backend: onnx',
      ...locate(['model']),
    },
  ];
}

/** Validates; a text that is wholly one variable may stand for a number or a flag where one is wanted. */
function validate(
  value: Record<string, unknown>,
  variables: ReadonlyMap<string, string>,
  locate: Locate,
  problems: Problem[],
): JobFields | undefined {
  const first = jobFields.safeParse(value, { reportInput: true });
  if (first.success) return first.data;
  let coerced = false;
  for (const issue of first.error.issues) {
    const text = variables.get(issue.path.map(String).join('.'));
    if (text === undefined || typeof scalarOf(text) === 'string') continue;
    applyOverride(value, { path: issue.path.map(String), value: scalarOf(text), label: '' });
    coerced = true;
  }
  const second = coerced ? jobFields.safeParse(value, { reportInput: true }) : first;
  if (second.success) return second.data;
  for (const issue of second.error.issues) problems.push(...problemsOf(issue, [], locate, fieldsAt));
  return undefined;
}

/** Expands the variables in every string value; notes which values were wholly one variable. */
function expandAll(
  value: unknown,
  path: readonly PropertyKey[],
  env: ReadJobOptions['env'],
  locate: Locate,
  problems: Problem[],
  variables: Map<string, string>,
): unknown {
  if (typeof value === 'string') {
    const { text, missing, whole } = expand(value, env);
    for (const name of missing) {
      problems.push({
        kind: 'missing-env',
        message: `environment variable ${name} is not set`,
        suggestion: `set it, or give a default: \${${name}:-…}`,
        ...locate(path),
      });
    }
    if (whole && missing.length === 0) variables.set(path.map(String).join('.'), text);
    return text;
  }
  if (Array.isArray(value))
    return value.map((item, i) => expandAll(item, [...path, i], env, locate, problems, variables));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [
      key,
      expandAll(item, [...path, key], env, locate, problems, variables),
    ]),
  );
}

/** Names of the fields at a path of the job file. */
function fieldsAt(path: readonly PropertyKey[]): string[] {
  let schema: unknown = jobFields;
  for (const key of path) {
    const shape = shapeOf(schema);
    if (shape === undefined || !(String(key) in shape)) return [];
    schema = shape[String(key)];
  }
  return Object.keys(shapeOf(schema) ?? {});
}

/** The fields of a mapping, seen through defaults and short forms. */
export function shapeOf(schema: unknown): Record<string, z.ZodType> | undefined {
  if (schema instanceof z.ZodObject) return schema.shape as Record<string, z.ZodType>;
  if (schema instanceof z.ZodPrefault || schema instanceof z.ZodDefault || schema instanceof z.ZodOptional) {
    return shapeOf(schema.def.innerType);
  }
  return schema instanceof z.ZodPipe ? shapeOf(schema.def.out) : undefined;
}

/** `name` from the job file's name: `My Job.yaml` is `my-job`. */
export function defaultName(file: string): string {
  const slug = basename(file)
    .replace(/\.ya?ml$/i, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '');
  return slug === '' ? 'job' : slug;
}
