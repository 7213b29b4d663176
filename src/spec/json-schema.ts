import * as z from 'zod';
import type { Catalogue, TaskEntry } from './catalogue.ts';
import { jobFields } from './fields.ts';

type JsonSchema = Record<string, unknown>;

/**
 * The JSON Schema (draft 2020-12) of a job file, for editors. Tasks bring their inputs and parameters; wherever a
 * number, a flag or a choice stands, `${NAME}` may stand, too.
 */
export function jobSchema(catalogue: Catalogue): JsonSchema {
  const schema = z.toJSONSchema(jobFields, {
    io: 'input',
    unrepresentable: 'any',
    override: ({ zodSchema, jsonSchema }) => {
      // The short forms are read before validation, where zod cannot see them.
      if (zodSchema instanceof z.ZodPipe) delete jsonSchema.default;
    },
  }) as { properties: Record<string, JsonSchema> } & JsonSchema;
  const { properties } = schema;
  properties.source = {
    anyOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' } }, objectOf('source')],
  };
  properties.backend = { anyOf: [{ enum: ['api', 'onnx'] }, objectOf('backend')] };
  properties.task = {
    description: properties.task?.description,
    enum: catalogue.flatMap((task) => [task.name, ...task.aliases]),
  };
  const allOf = catalogue.map((task) => ({
    if: { properties: { task: { enum: [task.name, ...task.aliases] } }, required: ['task'] },
    // biome-ignore lint/suspicious/noThenProperty: JSON Schema's word
    then: { properties: { inputs: inputsOf(task), parameters: parametersOf(task) } },
  }));
  return {
    ...(withVariables(schema) as JsonSchema),
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'sluice job',
    allOf,
  };
}

function objectOf(field: 'source' | 'backend'): JsonSchema {
  const inner = jobFields.shape[field];
  const pipe = inner instanceof z.ZodPrefault ? inner.def.innerType : inner;
  const { $schema: _, ...schema } = z.toJSONSchema((pipe as unknown as z.ZodPipe).def.out as z.ZodType, {
    io: 'input',
    unrepresentable: 'any',
  });
  return schema;
}

function inputsOf(task: TaskEntry): JsonSchema {
  const binding = {
    anyOf: [
      { type: 'string' },
      {
        type: 'object',
        properties: { column: { type: 'string' } },
        required: ['column'],
        additionalProperties: false,
      },
      { type: 'object', properties: { value: {} }, required: ['value'], additionalProperties: false },
    ],
  };
  return {
    properties: Object.fromEntries(
      Object.entries(task.inputs).map(([name, { description }]) => [name, { description, ...binding }]),
    ),
    required: Object.entries(task.inputs)
      .filter(([, { required }]) => required)
      .map(([name]) => name),
    additionalProperties: false,
  };
}

function parametersOf(task: TaskEntry): JsonSchema {
  const { properties = {} } = z.toJSONSchema(task.parameters, { io: 'input', unrepresentable: 'any' }) as {
    properties?: Record<string, JsonSchema>;
  };
  const bound = Object.entries(properties).map(([name, schema]) => [
    name,
    {
      description: schema.description,
      anyOf: [
        schema,
        { type: 'string', pattern: '\\{\\{|\\{%|\\$\\{' },
        { type: 'object', required: ['column'] },
      ],
    },
  ]);
  return {
    properties: {
      ...Object.fromEntries(bound),
      extra: { type: 'object', description: 'Anything else, passed through untouched' },
    },
    additionalProperties: false,
  };
}

/** Where no text would do, a text with a variable does. */
function withVariables(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(withVariables);
  if (typeof schema !== 'object' || schema === null) return schema;
  const walked = Object.fromEntries(
    Object.entries(schema).map(([key, value]) => [key, withVariables(value)]),
  ) as JsonSchema;
  if (!['number', 'integer', 'boolean'].includes(String(walked.type))) return walked;
  const { description, default: initial, ...rest } = walked;
  return {
    ...(description === undefined ? {} : { description }),
    ...(initial === undefined ? {} : { default: initial }),
    anyOf: [rest, { type: 'string', pattern: '^\\$\\{.*\\}$' }],
  };
}
