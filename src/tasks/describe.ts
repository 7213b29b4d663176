import { DataType, type Field } from 'apache-arrow';
import * as z from 'zod';
import type { Task } from './task.ts';

/** A task's facts in plain values; the command line and docs/tasks.md show them. */
export interface TaskFacts {
  name: string;
  aliases: readonly string[];
  summary: string;
  inputs: { name: string; kind: string; required: boolean; description: string }[];
  parameters: { name: string; type: string; required: boolean; description: string }[];
  columns: { name: string; type: string }[];
}

export function describeTask(task: Task): TaskFacts {
  return {
    name: task.name,
    aliases: task.aliases,
    summary: task.summary,
    inputs: Object.entries(task.inputs).map(([name, input]) => ({ name, ...input })),
    parameters: Object.entries(task.parameters.shape).map(([name, schema]) => {
      const json = z.toJSONSchema(schema as z.ZodType, { io: 'input' }) as JsonSchema;
      const required = !(schema as z.ZodType).safeParse(undefined).success;
      return { name, type: typeText(json), required, description: json.description ?? '' };
    }),
    columns: task.columns({}).map((field) => ({ name: field.name, type: arrowText(field) })),
  };
}

/** A job file for the task, to be completed. */
export function taskExample(task: Task): string {
  const lines = [`task: ${task.name}`, `model: ${task.exampleModel}`, 'source: data/*.parquet', 'inputs:'];
  for (const [name, binding] of Object.entries(task.example.inputs))
    lines.push(`  ${name}: ${JSON.stringify(binding)}`);
  const parameters = Object.entries(task.example.parameters ?? {});
  if (parameters.length > 0) lines.push('parameters:');
  for (const [name, value] of parameters) lines.push(`  ${name}: ${JSON.stringify(value)}`);
  lines.push('output:', `  path: out/${task.name}`);
  return `${lines.join('\n')}\n`;
}

interface JsonSchema {
  description?: string;
  type?: string;
  enum?: unknown[];
  const?: unknown;
  items?: JsonSchema;
  anyOf?: JsonSchema[];
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  maxItems?: number;
  default?: unknown;
}

function typeText(schema: JsonSchema): string {
  const { minimum, maximum } = schema;
  let text = schema.type ?? 'anything';
  if (schema.enum !== undefined) text = schema.enum.join(' | ');
  else if (schema.anyOf !== undefined) text = schema.anyOf.map(typeText).join(' or ');
  else if (schema.items !== undefined) text = `list of ${typeText(schema.items)}`;
  // zod writes the bounds of safe integers out; they say nothing.
  const from = minimum !== undefined && minimum > Number.MIN_SAFE_INTEGER ? `from ${minimum}` : '';
  const to = maximum !== undefined && maximum < Number.MAX_SAFE_INTEGER ? `to ${maximum}` : '';
  if (from !== '' || to !== '') text += ` ${[from, to].filter((part) => part !== '').join(' ')}`;
  return schema.default === undefined ? text : `${text}, default ${JSON.stringify(schema.default)}`;
}

/** An Arrow type in the words of the documentation: `list<{label utf8, score f64}>`. */
export function arrowText(field: Field): string {
  const { type } = field;
  if (DataType.isFixedSizeList(type))
    return `fixed_size_list<${arrowText(type.children[0]!)}>[${type.listSize === 0 ? 'n' : type.listSize}]`;
  if (DataType.isList(type)) return `list<${arrowText(type.children[0]!)}>`;
  if (DataType.isStruct(type))
    return `{${(type.children as Field[]).map((child) => `${child.name} ${arrowText(child)}`).join(', ')}}`;
  if (DataType.isFloat(type)) return `f${type.precision === 1 ? 32 : 64}`;
  if (DataType.isInt(type)) return `${type.isSigned ? 'i' : 'u'}${type.bitWidth}`;
  return String(type).toLowerCase();
}
