import { Exit, SluiceError } from '../errors.ts';
import { nearest } from '../nearest.ts';
import { findTask, tasks as allTasks } from '../tasks/index.ts';
import { describeTask, taskExample } from '../tasks/describe.ts';
import type { Task } from '../tasks/task.ts';
import { table } from './table.ts';

/** `sluice tasks`: the tasks, or one of them with everything that a job file can say of it. */
export function tasks(args: { task?: string; json: boolean }): void {
  if (args.task === undefined) {
    const rows = allTasks.map((task) => [task.name, task.aliases.join(', '), task.summary]);
    const text = args.json
      ? JSON.stringify(allTasks.map(describeTask), null, 2)
      : table(['task', 'aliases', 'what it does'], rows);
    process.stdout.write(`${text}\n`);
    return;
  }
  const task = taskOf(args.task);
  const facts = describeTask(task);
  if (args.json) {
    process.stdout.write(`${JSON.stringify(facts, null, 2)}\n`);
    return;
  }
  const section = (title: string, lines: readonly string[]) =>
    lines.length === 0 ? [] : ['', title, ...lines.map((line) => `  ${line}`)];
  process.stdout.write(
    `${[
      `${facts.name}${facts.aliases.length > 0 ? ` (also ${facts.aliases.join(', ')})` : ''}: ${facts.summary}`,
      ...section(
        'Inputs',
        facts.inputs.map(
          ({ name, kind, required, description }) =>
            `${name}: ${kind}${required ? '' : ', optional'}. ${description}`,
        ),
      ),
      ...section(
        'Parameters',
        facts.parameters.map(
          ({ name, type, required, description }) =>
            `${name}: ${type}${required ? ', required' : ''}. ${description}`,
        ),
      ),
      ...section(
        'Result columns',
        facts.columns.map(({ name, type }) => `${name}: ${type}`),
      ),
      ...section('Example', taskExample(task).trimEnd().split('\n')),
    ].join('\n')}\n`,
  );
}

/** The task of a name or an alias. @throws {SluiceError} TASK_UNKNOWN, exit 2, with the nearest one */
export function taskOf(name: string): Task {
  const task = findTask(name);
  if (task !== undefined) return task;
  const near = nearest(
    name,
    allTasks.flatMap((known) => [known.name, ...known.aliases]),
  );
  throw new SluiceError('TASK_UNKNOWN', `unknown task "${name}"`, {
    next: near === undefined ? '`sluice tasks` lists them' : `did you mean "${near}"?`,
    exit: Exit.usage,
  });
}
