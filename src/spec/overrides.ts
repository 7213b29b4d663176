import { parse } from 'yaml';
import { scalarOf } from './environment.ts';

/** A field that the command line overrides. */
export interface Override {
  path: string[];
  value: unknown;
  /** As it was given, for messages. */
  label: string;
}

/** Reads `a.b=value`. Undefined: not of that form. */
export function parseOverride(text: string): Override | undefined {
  const equals = text.indexOf('=');
  const path = text.slice(0, equals).split('.');
  if (equals < 1 || path.some((name) => name === '' || name === '__proto__')) return undefined;
  return { path, value: givenValue(text.slice(equals + 1)), label: `--set ${text.slice(0, equals)}` };
}

/**
 * `8` is a number and `true` a flag; `[a, b]`, `{a: 1}` and `"8"` are YAML. Anything else is the text as it stands:
 * in a template or a condition, YAML would read `{{`, `: ` and ` #` as something of its own.
 */
function givenValue(raw: string): unknown {
  if (!/^\s*(["'[]|\{(?![{%]))/.test(raw)) return scalarOf(raw);
  try {
    return parse(raw);
  } catch {
    // Not YAML after all, but a condition that begins with a quoted name.
    return raw;
  }
}

/** Puts a value at its path, making mappings on the way; `source: x` and `backend: x` are short forms of mappings. */
export function applyOverride(job: Record<string, unknown>, { path, value }: Override): void {
  let at = job;
  for (const name of path.slice(0, -1)) {
    const inner = at[name];
    if (at === job && name === 'source' && (typeof inner === 'string' || Array.isArray(inner)))
      at[name] = { path: inner };
    else if (at === job && name === 'backend' && typeof inner === 'string') at[name] = { type: inner };
    else if (typeof inner !== 'object' || inner === null || Array.isArray(inner)) at[name] = {};
    at = at[name] as Record<string, unknown>;
  }
  at[path.at(-1)!] = value;
}
