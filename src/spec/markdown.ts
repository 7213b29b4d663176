import { z } from 'zod';
import { jobFields } from './fields.ts';
import { shapeOf } from './read-job.ts';

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
    ...rowsOf(jobFields, ''),
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

function rowsOf(schema: unknown, prefix: string): string[] {
  return Object.entries(shapeOf(schema) ?? {}).flatMap(([name, field]) => {
    const path = `${prefix}${name}`;
    if (shapeOf(field) !== undefined) return rowsOf(field, `${path}.`);
    const json = z.toJSONSchema(field, { io: 'input', unrepresentable: 'any' }) as Json;
    const initial =
      json.default === undefined
        ? field.safeParse(undefined).success
          ? ''
          : '**required**'
        : `\`${JSON.stringify(json.default)}\``;
    return [
      `| \`${path}\` | ${typeText(json).replaceAll('|', '\\|')} | ${initial} | ${(json.description ?? '').replaceAll('|', '\\|')} |`,
    ];
  });
}

interface Json {
  type?: string;
  description?: string;
  default?: unknown;
  enum?: unknown[];
  const?: unknown;
  anyOf?: Json[];
  items?: Json;
  minimum?: number;
  exclusiveMinimum?: number;
  properties?: Record<string, Json>;
  additionalProperties?: unknown;
}

function typeText(json: Json): string {
  if (json.enum !== undefined) return json.enum.map((value) => `\`${value}\``).join(', ');
  if (json.const !== undefined) return `\`${json.const}\``;
  if (json.anyOf !== undefined) return json.anyOf.map(typeText).join(' or ');
  if (json.items !== undefined) return `list of ${typeText(json.items)}`;
  if (json.properties !== undefined) return `{${Object.keys(json.properties).join(', ')}}`;
  if (json.type === 'object') return 'mapping';
  const from = json.minimum ?? json.exclusiveMinimum;
  const bound =
    from === undefined || from < -1e9 ? '' : json.minimum === undefined ? ` above ${from}` : ` from ${from}`;
  return `${{ string: 'text', integer: 'whole number', number: 'number', boolean: 'true or false' }[json.type ?? ''] ?? 'anything'}${bound}`;
}
