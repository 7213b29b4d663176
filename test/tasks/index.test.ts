import * as z from 'zod';
import { describe, expect, test } from 'vitest';
import { findTask, tasks } from '../../src/tasks/index.ts';
import type { InputKind, InputValue } from '../../src/tasks/task.ts';

test('a task is found by its name and by its aliases', () => {
  expect(findTask('text-classification')?.name).toBe('text-classification');
  expect(findTask('sentiment-analysis')?.name).toBe('text-classification');
  expect(findTask('embeddings')?.name).toBe('feature-extraction');
  expect(findTask('ner')?.name).toBe('token-classification');
  expect(findTask('text2text')?.name).toBe('text2text-generation');
  expect(findTask('toString')).toBeUndefined();
});

test('no name is used twice', () => {
  const names = tasks.flatMap((task) => [task.name, ...task.aliases]);
  expect(new Set(names).size).toBe(names.length);
});

const someInput: Record<InputKind, InputValue> = {
  text: 'A good [MASK] day',
  texts: ['A good night', 'Stock markets fell'],
  table: { Day: ['Monday', 'Tuesday'], Hours: ['7', '8'] },
  image: { bytes: new Uint8Array([1, 2, 3]) },
  audio: { bytes: new Uint8Array([1, 2, 3]) },
};

describe.each(tasks.map((task) => [task.name, task] as const))('%s', (_, task) => {
  test('refuses unknown parameters and describes each known one', () => {
    expect(task.parameters.safeParse({ no_such_parameter: 1 }).success).toBe(false);
    for (const [name, schema] of Object.entries(
      z.toJSONSchema(task.parameters, { io: 'input' }).properties ?? {},
    )) {
      expect(schema, name).toHaveProperty('description');
    }
  });

  test('has an example whose inputs and parameters are its own', () => {
    for (const name of Object.keys(task.example.inputs)) expect(task.inputs).toHaveProperty(name);
    for (const [name, { required }] of Object.entries(task.inputs)) {
      if (required) expect(task.example.inputs).toHaveProperty(name);
    }
    expect(task.parameters.safeParse(task.example.parameters ?? {}).error).toBeUndefined();
  });

  test('keeps back only parameters that it has', () => {
    for (const name of task.localParameters ?? []) expect(task.parameters.shape).toHaveProperty(name);
  });

  test('decodes its own emulated answer into its columns', () => {
    const parameters = task.example.parameters ?? {};
    const inputs = Object.fromEntries(
      Object.entries(task.inputs).map(([name, { kind }]) => [name, someInput[kind]]),
    );
    const row = task.decode(JSON.parse(JSON.stringify(task.emulate(inputs, parameters))), parameters);
    expect(Object.keys(row)).toEqual(task.columns(parameters).map(({ name }) => name));
  });
});
