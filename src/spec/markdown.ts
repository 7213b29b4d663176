import { describeFields, type FieldFacts } from './describe.ts';

/** docs/job-file.md, from the definitions of the fields. */
export function jobFileMarkdown(): string {
  return [
    '<!-- Made by `npm run docs` from src/spec/fields.ts; do not edit. -->',
    '',
    '# The job file',
    '',
    'Every field, its type, its default and its meaning. `${NAME}` and `${NAME:-default}` take environment variables in any',
    'text (`$${` stands for a plain `${`); `--set limits.concurrency=8` overrides a field from the command line. Relative',
    'paths are relative to the working directory.',
    '',
    'In `inputs`, a plain text names a column (dots reach into structs), a text with `{{ }}` is a Jinja template over the',
    'row, `{column: "odd name"}` names a column whatever it looks like, and `{value: text}` is the same for every row. In',
    '`parameters` a plain text is a literal; `parameters.extra` passes anything else through untouched.',
    '',
    '| field | type | default | meaning |',
    '| --- | --- | --- | --- |',
    ...describeFields().map(row),
    '',
    '## In an editor',
    '',
    '`sluice schema > job.schema.json` writes the JSON Schema of this table. With the YAML extension of VS Code, or any',
    'editor that uses yaml-language-server, a first line in the job file turns it on:',
    '',
    '```yaml',
    '# yaml-language-server: $schema=./job.schema.json',
    '```',
    '',
  ].join('\n');
}

function row({ path, type, required, default: initial, description }: FieldFacts): string {
  const given = required ? '**required**' : initial === undefined ? '' : `\`${JSON.stringify(initial)}\``;
  return `| \`${path}\` | ${type.replaceAll('|', '\\|')} | ${given} | ${description.replaceAll('|', '\\|')} |`;
}
