import { parse } from 'yaml';

/** A field that the command line overrides. */
export interface Override {
  path: string[];
  value: unknown;
  /** As it was given, for messages. */
  label: string;
}

/** Reads `a.b=value`; the value is YAML, so `8` is a number and `[a, b]` a list. Undefined: not of that form. */
export function parseOverride(text: string): Override | undefined {
  const equals = text.indexOf('=');
  const path = text.slice(0, equals).split('.');
  if (equals < 1 || path.some((name) => name === '' || name === '__proto__')) return undefined;
  const raw = text.slice(equals + 1);
  let value: unknown;
  try {
    value = raw === '' ? '' : parse(raw);
  } catch {
    // Not YAML, so it is meant as it stands: a template, a condition.
    value = raw;
  }
  return { path, value, label: `--set ${text.slice(0, equals)}` };
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
