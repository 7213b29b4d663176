import { describeFields, type FieldFacts } from '../spec/describe.ts';
import { describeTask } from './describe.ts';
import type { Task } from './task.ts';

/** Widest line of prose. */
const width = 100;

/** Fields that the template gives a value; all others stand there as comments, with their defaults. */
const given = new Set(['task', 'model', 'source.path', 'inputs', 'parameters', 'output.path']);

/**
 * A commented job file for a task: what a user must fill in has an example, everything else is a comment that the
 * removal of its `#` turns on. Made from the fields and the task themselves, so that it cannot name what is not there.
 */
export function jobTemplate(task: Task): string {
  const fields = describeFields();
  const sections = [...new Set(fields.map(({ path }) => path.split('.')[0]!))];
  const lines = [
    ...prose(`${task.name}: ${task.summary}.`, 0),
    '#',
    ...prose(
      'What is not commented is yours to fill in. What is commented is at its default; take the # away to set it. ' +
        '`sluice check` lists what is wrong, `sluice preview` tries the first rows, `sluice run` runs.',
      0,
    ),
  ];
  for (const name of sections) {
    const own = fields.filter(({ path }) => path.split('.')[0] === name);
    lines.push(...(sectionOf(name, own, task) ?? []));
  }
  return `${lines.join('\n')}\n`;
}

function sectionOf(name: string, fields: readonly FieldFacts[], task: Task): string[] {
  const [first] = fields;
  if (name === 'task') return ['', `task: ${task.name}`];
  if (name === 'model') return ['', ...prose(first!.description, 0), `model: ${task.exampleModel}`];
  if (name === 'inputs') return ['', ...prose(`${first!.description}.`, 0), 'inputs:', ...inputLines(task)];
  if (name === 'parameters') return ['', ...parameterLines(task)];
  if (first!.path === name)
    return ['', ...prose(first!.description, 0), `#${name}:${valueText(first!.default)}`];
  const isGiven = fields.some(({ path }) => given.has(path));
  const about = name === 'output' ? prose(`Result columns: ${resultColumns(task)}.`, 0) : [];
  return [
    '',
    ...about,
    `${isGiven ? '' : '#'}${name}:`,
    ...fields.flatMap((field) => fieldLines(field, task)),
  ];
}

function fieldLines({ path, type, default: initial, description }: FieldFacts, task: Task): string[] {
  const name = path.slice(path.indexOf('.') + 1);
  if (path === 'source.path') return [...prose(description, 2), `  ${name}: data/*.parquet`];
  if (path === 'output.path') return [...prose(description, 2), `  ${name}: out/${task.name}`];
  return [...prose(`${description} (${type})`, 2), `#  ${name}:${valueText(initial)}`];
}

function inputLines(task: Task): string[] {
  return describeTask(task).inputs.flatMap(({ name, kind, required, description }) => {
    const example = task.example.inputs[name];
    const about = prose(`${description} (${kind}${required ? '' : ', optional'})`, 2);
    return [...about, example === undefined ? `#  ${name}:` : `  ${name}:${valueText(example)}`];
  });
}

function parameterLines(task: Task): string[] {
  const { parameters } = describeTask(task);
  const examples = task.example.parameters ?? {};
  const isGiven = Object.keys(examples).length > 0;
  return [
    ...prose('The same for every row, or a template or {column: name} that is evaluated for each row.', 0),
    `${isGiven ? '' : '#'}parameters:`,
    ...parameters.flatMap(({ name, type, required, description }) => [
      ...prose(`${description} (${type}${required ? ', required' : ''})`, 2),
      name in examples ? `  ${name}:${valueText(examples[name])}` : `#  ${name}:`,
    ]),
  ];
}

function resultColumns(task: Task): string {
  return describeTask(task)
    .columns.map(({ name, type }) => `${name} ${type}`)
    .join(', ');
}

/** A value as YAML takes it; JSON is YAML. */
function valueText(value: unknown): string {
  if (value === undefined) return '';
  return ` ${typeof value === 'string' && /^[a-z][\w/ -]*$/i.test(value) ? value : JSON.stringify(value)}`;
}

/** Text as comment lines. */
function prose(text: string, indent: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && indent + line.length + word.length + 3 > width) {
      lines.push(line);
      line = '';
    }
    line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line].map((words) => `${' '.repeat(indent)}# ${words}`);
}
