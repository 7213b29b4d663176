import * as z from 'zod';
import { type Catalogue, type ContractEntry, findEntry, type LocalEntry } from './catalogue.ts';
import { checkContract } from './check-contract.ts';
import { checkLocal } from './check-local.ts';
import { checkTask } from './check-task.ts';
import { checkToken } from './check-token.ts';
import { draftOf } from './draft.ts';
import { type Expansion, expand, scalarOf } from './environment.ts';
import { defaultUrl, folderPath, type JobFields, jobFields } from './fields.ts';
import { problemsOf } from './issues.ts';
import type { Job } from './job.ts';
import { compressionsOf, jobOf } from './normalise.ts';
import { applyOverride, parseOverride } from './overrides.ts';
import type { Locate, Place, Problem } from './problem.ts';
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
  /**
   * Where there are problems: what is left of the job without them, so that its columns can be held against its source,
   * too. Undefined where that is too little. Never to be run.
   */
  draft: Job | undefined;
  problems: Problem[];
  /** Where a field stands, for problems that only the source or the server can tell. */
  locate: Locate;
}

/** Reads a job file and finds everything that is wrong with it. Never throws for its content. */
export function readJob(text: string, options: ReadJobOptions): ReadJob {
  const source = readSource(text, options.file);
  if (source.problems.length > 0) {
    return { job: undefined, draft: undefined, problems: source.problems, locate: source.locate };
  }

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
  const unset: PropertyKey[][] = [];
  const value = expandAll(source.value, [], options.env, (path, variable) => {
    if (variable.missing.length > 0) unset.push([...path]);
    else if (variable.whole) variables.set(path.map(String).join('.'), variable.text);
    problems.push(...variable.missing.map((name) => unsetVariable(name, locate(path))));
  }) as Record<string, unknown>;
  const wrong = unset.filter(isReadFrom);
  coerceParameters(value, variables, options.catalogue);
  const fields = validate(value, { variables, unset, locate, problems, wrong });
  const draft = () => draftOf(value, wrong, options);
  if (fields === undefined) {
    // What can be said of the task is said, too: a person mends all of a file at once.
    const partly = z.looseObject({ task: z.string() }).safeParse(value);
    if (partly.success) problems.push(...checkTask(partly.data, options.catalogue, locate));
    problems.push(...checkModel(value, locate));
    return { job: undefined, draft: draft(), problems, locate };
  }
  problems.push(...checkTask(fields, options.catalogue, locate), ...checkModel(value, locate));
  const { model, backend } = fields;
  const token = backend.type === 'api' ? backend.token : undefined;
  problems.push(...checkToken(value, [token, options.env.HF_TOKEN], locate));
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
  const urls = checkPaths(fields, locate);
  problems.push(...checkCompression(fields.output, locate), ...urls);
  // Not held against a source that is none.
  if (urls.length > 0) wrong.push(['source', 'path']);
  return problems.length === 0
    ? { job: jobOf(fields, options), draft: undefined, problems, locate }
    : { job: undefined, draft: draft(), problems, locate };
}

function checkCompression({ format, compression }: JobFields['output'], locate: Locate): Problem[] {
  const possible = compressionsOf[format];
  if (compression === undefined || possible.includes(compression)) return [];
  const message = `output.compression: ${format} takes ${possible.join(', ')}`;
  return [{ kind: 'invalid-option', message, ...locate(['output', 'compression']) }];
}

/** `s3://…` and the like; read as a path it would name a folder of this machine. */
const url = /^[a-z][a-z0-9+.-]*:\/\//i;

/** Sources and outputs are files of this machine. */
function checkPaths({ source, output }: JobFields, locate: Locate): Problem[] {
  const problems: Problem[] = [];
  const refuse = (path: string, at: readonly PropertyKey[], suggestion: string) => {
    if (!url.test(path)) return;
    const message = `${at.slice(0, 2).join('.')} is a URL: ${path}`;
    problems.push({ kind: 'invalid-option', message, suggestion, ...locate(at) });
  };
  const paths = [source.path].flat();
  for (const [i, path] of paths.entries()) {
    const at = Array.isArray(source.path) ? ['source', 'path', i] : ['source', 'path'];
    refuse(path, at, 'download the files and name the folder that they are in');
  }
  refuse(
    output.path,
    ['output', 'path'],
    'name a folder of this machine, and copy its parts when the run is done',
  );
  return problems;
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

/** Whether the draft of a job would read something at a path, and so must not find the name of a variable there. */
function isReadFrom([section, field]: readonly PropertyKey[]): boolean {
  if (section === 'output') return field === 'keep' || field === 'columns';
  return section === 'source' || section === 'inputs' || section === 'parameters';
}

interface Validation {
  /** By path: the texts that are wholly one variable. */
  variables: ReadonlyMap<string, string>;
  /** Paths of texts with a variable that is not set: that has been said, and what they are instead says nothing. */
  unset: readonly (readonly PropertyKey[])[];
  locate: Locate;
  /** Is added to. */
  problems: Problem[];
  /** Is added to: the paths of what is wrong. */
  wrong: PropertyKey[][];
}

/** Validates; a text that is wholly one variable may stand for a number or a flag where one is wanted. */
function validate(
  value: Record<string, unknown>,
  { variables, unset, locate, problems, wrong }: Validation,
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
  const said = new Set(unset.map((path) => path.map(String).join('.')));
  for (const issue of second.error.issues) {
    const keys = issue.code === 'unrecognized_keys' ? issue.keys : [];
    wrong.push(...(keys.length > 0 ? keys.map((key) => [...issue.path, key]) : [[...issue.path]]));
    if (!said.has(issue.path.map(String).join('.')))
      problems.push(...problemsOf(issue, [], locate, fieldsAt));
  }
  return undefined;
}

/** The same for parameters, of which only the task knows the types. */
function coerceParameters(
  { task, parameters }: Record<string, unknown>,
  variables: ReadonlyMap<string, string>,
  catalogue: Catalogue,
): void {
  const shape = typeof task === 'string' ? findEntry(catalogue, task)?.parameters.shape : undefined;
  if (shape === undefined || typeof parameters !== 'object' || parameters === null) return;
  for (const [name, schema] of Object.entries(shape)) {
    const text = variables.get(`parameters.${name}`);
    const accepts = (value: unknown) => z.safeParse(schema, value).success;
    if (text === undefined || accepts(text) || !accepts(scalarOf(text))) continue;
    (parameters as Record<string, unknown>)[name] = scalarOf(text);
  }
}

/** Expands the variables in every string value, and tells of each string that has some. */
function expandAll(
  value: unknown,
  path: readonly PropertyKey[],
  env: ReadJobOptions['env'],
  onVariable: (path: readonly PropertyKey[], expansion: Expansion) => void,
): unknown {
  if (typeof value === 'string') {
    const expansion = expand(value, env);
    if (expansion.whole || expansion.missing.length > 0) onVariable(path, expansion);
    return expansion.text;
  }
  if (Array.isArray(value)) return value.map((item, i) => expandAll(item, [...path, i], env, onVariable));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, expandAll(item, [...path, key], env, onVariable)]),
  );
}

function unsetVariable(name: string, place: Place): Problem {
  return {
    kind: 'missing-env',
    message: `environment variable ${name} is not set`,
    suggestion: `set it, or give a default: \${${name}:-…}`,
    ...place,
  };
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
