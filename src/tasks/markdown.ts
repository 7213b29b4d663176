import { describeTask, taskExample } from './describe.ts';
import type { Task } from './task.ts';

/** docs/tasks.md, from the tasks themselves. */
export function tasksMarkdown(tasks: readonly Task[]): string {
  return [
    '<!-- Made by `npm run docs` from src/tasks/; do not edit. -->',
    '',
    '# Tasks',
    '',
    'What each task takes and which columns its answers become. Types are Arrow’s; `{…}` is a struct. With',
    '`errors.on_row_error: keep` (the default) there is one more column, `error`: null where the row succeeded.',
    '',
    ...tasks.flatMap(section),
  ].join('\n');
}

function section(task: Task): string[] {
  const { name, aliases, summary, inputs, parameters, columns } = describeTask(task);
  const rows = (head: string[], body: string[][]) => [
    row(head),
    row(head.map(() => '---')),
    ...body.map(row),
    '',
  ];
  return [
    `## ${name}`,
    '',
    `${summary}.${aliases.length === 0 ? '' : ` Also known as ${aliases.map(code).join(', ')}.`}`,
    '',
    ...rows(
      ['input', 'kind', 'meaning'],
      inputs.map((input) => [
        code(input.name),
        `${input.kind}${input.required ? '' : ', optional'}`,
        input.description,
      ]),
    ),
    ...rows(
      ['parameter', 'type', 'meaning'],
      parameters.map((parameter) => [
        code(parameter.name),
        `${parameter.type}${parameter.required ? ', required' : ''}`,
        parameter.description,
      ]),
    ),
    ...rows(
      ['result column', 'type'],
      columns.map((column) => [code(column.name), code(column.type)]),
    ),
    '```yaml',
    taskExample(task).trimEnd(),
    '```',
    '',
  ];
}

function row(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

function code(text: string): string {
  return `\`${text}\``;
}
