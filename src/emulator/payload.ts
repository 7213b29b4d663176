import { createHash } from 'node:crypto';
import { tasks } from '../tasks/index.ts';
import { isObject } from '../tasks/shapes.ts';
import type { JsonObject } from '../tasks/shapes.ts';
import type { InputKind, Inputs, Parameters, Task } from '../tasks/task.ts';

export interface Payload {
  task: Task;
  /** One for each row asked about. */
  items: Inputs[];
  /** Whether they came as a list, and the answers go back as one. */
  isBatch: boolean;
  parameters: Parameters;
  waitForModel: boolean;
}

/** A request that the API answers with 400, in its words. */
export class BadRequest extends Error {
  override readonly name = 'BadRequest';
}

/**
 * What a request asks for. Without a task from elsewhere the first task whose inputs the payload fits.
 * @throws {BadRequest}
 */
export function readPayload(body: Buffer, contentType: string, waitHeader: boolean, routed?: Task): Payload {
  if (/^(?:image|audio)\//.test(contentType) || body[0] !== OPENING_BRACE) {
    return rawPayload(body, contentType, waitHeader, routed);
  }
  const { inputs, parameters, options, model: _, ...atRoot } = parsed(body);
  if (inputs === undefined || inputs === null) throw new BadRequest('Error in `inputs`: field required');
  const task = routed ?? tasks.find((candidate) => fits(candidate, inputs));
  if (task === undefined) throw new BadRequest('Error in `inputs`: no task takes these');
  const isBatch = Array.isArray(inputs) && onlyKind(task) === 'text';
  return {
    task,
    items: isBatch ? inputs.map((item) => itemOf(task, item)) : [itemOf(task, inputs)],
    isBatch,
    parameters: checkedParameters(task, { ...atRoot, ...(isObject(parameters) ? parameters : undefined) }),
    waitForModel: waitHeader || (isObject(options) && options.wait_for_model === true),
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

function parsed(body: Buffer): JsonObject {
  try {
    return JSON.parse(body.toString());
  } catch {
    throw new BadRequest('The body is not valid JSON');
  }
}

function fits(task: Task, inputs: unknown): boolean {
  const kind = onlyKind(task);
  if (kind === 'text') return typeof inputs === 'string' || Array.isArray(inputs);
  if (kind !== undefined || !isObject(inputs)) return false;
  return Object.entries(task.inputs).every(([name, { required }]) => !required || name in inputs);
}

function itemOf(task: Task, inputs: unknown): Inputs {
  const kind = onlyKind(task);
  if (kind === undefined) {
    if (!isObject(inputs)) throw new BadRequest('Error in `inputs`: value is not a valid dict');
    for (const [name, { required }] of Object.entries(task.inputs)) {
      if (required && inputs[name] === undefined)
        throw new BadRequest(`Error in \`inputs.${name}\`: field required`);
    }
    return inputs as Inputs;
  }
  if (typeof inputs !== 'string') throw new BadRequest('Error in `inputs`: str type expected');
  return { [onlyName(task)]: isBinaryKind(kind) ? { bytes: Buffer.from(inputs, 'base64') } : inputs };
}

/** The API ignores parameters that it does not know and refuses wrong values of those that it does. */
function checkedParameters(task: Task, parameters: JsonObject): Parameters {
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
