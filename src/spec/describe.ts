import * as z from 'zod';
import { jobFields } from './fields.ts';
import { shapeOf } from './read-job.ts';

/** One field of the job file in plain values; docs/job-file.md and `sluice init` show them. */
export interface FieldFacts {
  /** `limits.concurrency` */
  path: string;
  /** In words. */
  type: string;
  required: boolean;
  default?: unknown;
  description: string;
}

/** Every field of the job file, in its order. */
export function describeFields(): FieldFacts[] {
  return fieldsBelow(jobFields, '');
}

function fieldsBelow(schema: unknown, prefix: string): FieldFacts[] {
  return Object.entries(shapeOf(schema) ?? {}).flatMap(([name, field]): FieldFacts[] => {
    const path = `${prefix}${name}`;
    if (shapeOf(field) !== undefined) return fieldsBelow(field, `${path}.`);
    const json = z.toJSONSchema(field, { io: 'input', unrepresentable: 'any' }) as Json;
    return [
      {
        path,
        type: typeText(json),
        required: json.default === undefined && !field.safeParse(undefined).success,
        ...(json.default === undefined ? {} : { default: json.default }),
        description: json.description ?? '',
      },
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
