import type * as z from 'zod';
import { MappingError } from '../mapping/mapping.ts';
import type { Parameters, Task } from '../tasks/task.ts';

/**
 * Makes the function that checks those parameters of a row that come from its columns and templates.
 *
 * A template makes a text, and so do columns of CSV files that hold more than numbers: where a parameter is something
 * else, the text counts as its JSON, `"5"` as 5 and `"true"` as true.
 */
export function boundParameters({ parameters }: Task): (bound: Parameters) => Parameters {
  // Once for all rows: making a schema costs far more than using it.
  const schema = parameters.partial();
  return (bound) => {
    const checked = schema.safeParse(bound);
    if (checked.success) return checked.data;
    const typed = Object.entries(bound).map(([name, value]) => [name, typedValue(schema, name, value)]);
    const again = schema.safeParse(Object.fromEntries(typed));
    if (again.success) return again.data;
    const [issue] = again.error.issues;
    throw new MappingError(`${issue?.path.join('.')}: ${issue?.message}`);
  };
}

function typedValue(schema: z.ZodObject, name: string, value: unknown): unknown {
  const member = schema.shape[name] as z.ZodType;
  if (typeof value !== 'string' || member.safeParse(value).success) return value;
  try {
    return JSON.parse(value);
  } catch {
    // Not JSON; the check says what was wanted.
    return value;
  }
}
