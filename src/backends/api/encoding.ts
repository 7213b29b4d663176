import { isObject } from '../../tasks/shapes.ts';
import type { Parameters, Task } from '../../tasks/task.ts';
import type { Encoded } from './contract.ts';

const NO_HEADERS: readonly string[] = [];

export function jsonBody(body: unknown): Encoded {
  return { body: JSON.stringify(body), contentType: 'application/json', headers: NO_HEADERS };
}

/** The parameters that go out: those of `extra` among them, without those that are applied here. */
export function sentParameters(task: Task, parameters: Parameters): Parameters {
  const { extra, ...sent } = parameters;
  for (const name of task.localParameters ?? []) delete sent[name];
  if (isObject(extra)) Object.assign(sent, extra);
  for (const name in sent) if (sent[name] === undefined) delete sent[name];
  return sent;
}

/** A task's only input, which is a text. */
export function textOf(task: Task, inputs: Readonly<Record<string, unknown>>): string {
  return String(inputs[Object.keys(task.inputs)[0]!]);
}
