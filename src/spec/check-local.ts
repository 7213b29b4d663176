import type { LocalEntry, TaskEntry } from './catalogue.ts';
import type { Locate, Problem } from './problem.ts';

/** Whether a task can run on this machine, with these parameters: what is not heeded is refused and never dropped. */
export function checkLocal(
  parameters: Readonly<Record<string, unknown>>,
  local: LocalEntry,
  task: TaskEntry,
  locate: Locate,
): Problem[] {
  const known = local.tasks[task.name];
  if (known === undefined) {
    return [
      {
        kind: 'invalid-option',
        message: `backend onnx: ${task.name} cannot run on this machine`,
        suggestion: `use backend: api, or one of ${Object.keys(local.tasks).join(', ')}`,
        ...locate(['task']),
      },
    ];
  }
  const problems: Problem[] = [];
  const refuse = (path: readonly string[], heeded: readonly string[]): void => {
    problems.push({
      kind: 'invalid-option',
      message: `backend onnx has no place for ${task.name}’s parameter "${path.join('.')}"`,
      suggestion: heeded.length === 0 ? 'it takes none' : `it takes ${heeded.join(', ')}`,
      ...locate(['parameters', ...path], 'key'),
    });
  };
  for (const [name, value] of Object.entries(parameters)) {
    const inner = name === 'extra' ? known : local.nested[name];
    if (name !== 'extra' && Object.hasOwn(task.parameters.shape, name) && !known.includes(name))
      refuse([name], heededOf(task, known));
    if (inner === undefined || typeof value !== 'object' || value === null) continue;
    for (const key of Object.keys(value)) if (!inner.includes(key)) refuse([name, key], inner);
  }
  const why = local.unusableValues(parameters);
  if (why !== undefined) {
    const path = ['parameters', why.slice(0, why.indexOf(':'))];
    problems.push({ kind: 'invalid-option', message: why, ...locate(path, 'key') });
  }
  return problems;
}

/** Of those that are heeded, the ones that the task has itself; the others go through `extra`. */
function heededOf(task: TaskEntry, known: readonly string[]): string[] {
  return known.filter((name) => Object.hasOwn(task.parameters.shape, name));
}
