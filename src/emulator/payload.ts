import { createHash } from 'node:crypto';
import { tasks } from '../tasks/index.ts';
import { isObject } from '../tasks/shapes.ts';
import type { JsonObject } from '../tasks/shapes.ts';
import type { InputKind, Inputs, Parameters, Task } from '../tasks/task.ts';

/** A request as it came, and what path and options tell of it. */
export interface Asked {
  body: Buffer;
  contentType: string;
  /** Its header asks to be held while the model loads. */
  waits: boolean;
  /** Told by path or query. */
  task: Task | undefined;
  /** What else suggests a task; the payload may know better. */
  guess: Task | undefined;
}

export interface Payload {
  task: Task;
  /** One for each row asked about. */
  items: Inputs[];
  /** Whether they came as a list, and the answers go back as one. */
  isBatch: boolean;
  parameters: Parameters;
  waitForModel: boolean;
  /** Where the body names it. */
  model?: string;
}

/** A request that the API answers with 400, in its words. */
export class BadRequest extends Error {
  override readonly name = 'BadRequest';
}

/**
 * What a request asks for. Without a task that was told: the guessed one if it takes such inputs, else one that takes
 * them and knows the parameters.
 * @throws {BadRequest}
 */
export function readPayload({ body, contentType, waits, task: told, guess }: Asked): Payload {
  if (/^(?:image|audio)\//.test(contentType) || body[0] !== OPENING_BRACE) {
    return rawPayload(body, contentType, waits, told ?? guess);
  }
  const { inputs, parameters, options, model: _, ...atRoot } = jsonIn(body);
  if (inputs === undefined || inputs === null) throw new BadRequest('Error in `inputs`: field required');
  const given = { ...atRoot, ...(isObject(parameters) ? parameters : undefined) };
  const task = told ?? taskThatFits(inputs, given, guess);
  const isBatch = Array.isArray(inputs) && onlyKind(task) === 'text';
  return {
    task,
    items: isBatch ? inputs.map((item) => itemOf(task, item)) : [itemOf(task, inputs)],
    isBatch,
    parameters: checkedParameters(task, given),
    waitForModel: waits || (isObject(options) && options.wait_for_model === true),
  };
}

const OPENING_BRACE = 0x7b;

/** Names an input in the statistics, in the same way whether it came alone or in a list. */
export function inputSha(item: Inputs): string {
  const hash = createHash('sha1');
  for (const value of Object.values(item)) {
    hash.update(typeof value === 'string' ? value : isBytes(value) ? value.bytes : JSON.stringify(value));
    hash.update('\0');
  }
  return hash.digest('hex');
}

function rawPayload(body: Buffer, contentType: string, waitForModel: boolean, routed?: Task): Payload {
  const kind = contentType.startsWith('audio/') ? 'audio' : 'image';
  const task = routed ?? tasks.find((candidate) => onlyKind(candidate) === kind);
  if (task === undefined || !isBinaryKind(onlyKind(task))) {
    throw new BadRequest('Could not parse the body as JSON, and this task takes no bytes');
  }
  if (body.length === 0) throw new BadRequest('Error in `inputs`: field required');
  return {
    task,
    items: [{ [onlyName(task)]: { bytes: body, contentType } }],
    isBatch: false,
    parameters: {},
    waitForModel,
  };
}

/** @throws {BadRequest} */
export function jsonIn(body: Buffer): JsonObject {
  try {
    return JSON.parse(body.toString());
  } catch {
    throw new BadRequest('The body is not valid JSON');
  }
}

function taskThatFits(inputs: unknown, parameters: JsonObject, guess: Task | undefined): Task {
  // A text may be anybody's base64: nothing but a name makes it an image.
  const candidates = [guess, ...tasks.filter((task) => !isBinaryKind(onlyKind(task)))];
  const fitting = candidates.filter((task) => task !== undefined && fits(task, inputs)) as Task[];
  const knowing = fitting.find((task) => task === guess || task.parameters.safeParse(parameters).success);
  const task = knowing ?? fitting[0] ?? guess;
  if (task === undefined) throw new BadRequest('Error in `inputs`: no task takes these');
  return task;
}

function fits(task: Task, inputs: unknown): boolean {
  const kind = onlyKind(task);
  if (kind === 'text') return typeof inputs === 'string' || Array.isArray(inputs);
  if (isBinaryKind(kind)) return typeof inputs === 'string';
  if (kind !== undefined || !isObject(inputs)) return false;
  const names = Object.keys(inputs);
  return (
    names.every((name) => name in task.inputs) &&
    Object.entries(task.inputs).every(([name, { required }]) => !required || names.includes(name))
  );
}

function itemOf(task: Task, given: unknown): Inputs {
  const kind = onlyKind(task);
  const inputs = withQuery(task, given);
  if (kind === undefined) {
    if (!isObject(inputs)) throw new BadRequest('Error in `inputs`: value is not a valid dict');
    for (const [name, { kind: wanted, required }] of Object.entries(task.inputs)) {
      const value = inputs[name];
      if (required && value === undefined)
        throw new BadRequest(`Error in \`inputs.${name}\`: field required`);
      if (value !== undefined && !IS_OF_KIND[wanted](value))
        throw new BadRequest(`Error in \`inputs.${name}\`: value is not a valid ${wanted}`);
    }
    return inputs as Inputs;
  }
  if (typeof inputs !== 'string') throw new BadRequest('Error in `inputs`: str type expected');
  return { [onlyName(task)]: isBinaryKind(kind) ? { bytes: Buffer.from(inputs, 'base64') } : inputs };
}

/** The API's documentation says `query` where its JavaScript client says `question`; servers take both. */
function withQuery(task: Task, inputs: unknown): unknown {
  if (!('query' in task.inputs) || !isObject(inputs) || !('question' in inputs)) return inputs;
  const { question: query, ...others } = inputs;
  return { query, ...others };
}

const IS_OF_KIND: Readonly<Record<InputKind, (value: unknown) => boolean>> = {
  text: isString,
  texts: areStrings,
  audio: isString,
  image: isString,
  table: isTable,
};

function isString(value: unknown): boolean {
  return typeof value === 'string';
}

export function areStrings(value: unknown): boolean {
  return Array.isArray(value) && value.every(isString);
}

/** All cells are texts, all columns of one length, as TAPAS wants them. */
function isTable(value: unknown): boolean {
  if (!isObject(value)) return false;
  const columns = Object.values(value);
  const lengths = new Set(columns.map((cells) => (areStrings(cells) ? (cells as string[]).length : -1)));
  return columns.length > 0 && lengths.size === 1 && !lengths.has(-1);
}

/** The API ignores parameters that it does not know and refuses wrong values of those that it does. */
export function checkedParameters(task: Task, parameters: JsonObject): Parameters {
  const { error } = task.parameters.loose().safeParse(parameters);
  if (error === undefined) return parameters;
  const issues = error.issues.map(
    ({ path, message }) => `Error in \`parameters.${path.join('.')}\`: ${message}`,
  );
  throw new BadRequest(issues.join('; '));
}

function onlyName(task: Task): string {
  return Object.keys(task.inputs)[0]!;
}

/** The kind of a task's only input; undefined where it has several. */
function onlyKind(task: Task): InputKind | undefined {
  const inputs = Object.values(task.inputs);
  return inputs.length === 1 ? inputs[0]!.kind : undefined;
}

function isBinaryKind(kind: InputKind | undefined): boolean {
  return kind === 'image' || kind === 'audio';
}

function isBytes(value: unknown): value is { bytes: Uint8Array } {
  return isObject(value) && value.bytes instanceof Uint8Array;
}
