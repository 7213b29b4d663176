import type { Binding } from './job.ts';

/** Whether a parameter's YAML value takes its value from the row: a template, or `{column: name}`. */
export function isBound(value: unknown): boolean {
  return typeof value === 'string' ? /\{\{|\{%/.test(value) : isOnly('column', value);
}

/** An input as a job file has it: a column's name, a template, `{column: name}` or `{value: literal}`. */
export function inputBinding(value: unknown): Binding {
  if (typeof value === 'string' && !isBound(value)) return { kind: 'column', column: value };
  return parameterBinding(value);
}

/** A parameter: the same, but that a plain text is the literal. */
export function parameterBinding(value: unknown): Binding {
  if (typeof value === 'string' && isBound(value)) return { kind: 'template', template: value };
  if (isOnly('column', value)) return { kind: 'column', column: String(value.column) };
  return { kind: 'literal', value: isOnly('value', value) ? value.value : value };
}

/** Whether a value is a mapping with this key and no other. */
function isOnly<K extends string>(key: K, value: unknown): value is Record<K, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return key in value && Object.keys(value).length === 1;
}
