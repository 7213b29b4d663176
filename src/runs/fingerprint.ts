import { createHash, hash } from 'node:crypto';
import type { Job, OnnxSpec } from '../spec/job.ts';

/**
 * What of a job decides its output. A change of `result` makes old answers wrong, a change of `shape` makes old parts
 * not fit; everything else (limits, retry, token, endpoint) may change between runs.
 *
 * `source.limit` is in neither: a larger limit only adds rows, and trying a job on its first hundred rows must not
 * mean paying for them again.
 */
export interface Fingerprint {
  result: Record<string, unknown>;
  shape: Record<string, unknown>;
}

export function fingerprintOf(job: Job): Fingerprint {
  const { source, output } = job;
  return {
    result: {
      'source.path': source.paths,
      'source.format': source.format ?? null,
      'source.where': source.where ?? null,
      'source.sample': source.sample ?? null,
      task: job.task,
      model: job.model ?? null,
      inputs: job.inputs,
      parameters: job.parameters,
      ...(job.backend.type === 'onnx' ? localFields(job, job.backend) : {}),
    },
    shape: {
      'output.format': output.format,
      'output.keep': output.keep,
      'output.columns': output.columns ?? null,
      'output.prefix': output.prefix,
      'output.rows_per_part': output.rowsPerPart,
      'output.compression': output.compression,
      'errors.on_row_error': job.errors.onRowError,
    },
  };
}

/** What decides the numbers of a model that runs here: a quantised one gives a row other numbers in other company. */
function localFields(job: Job, { dtype, device }: OnnxSpec): Record<string, unknown> {
  return {
    'backend.type': 'onnx',
    'backend.dtype': dtype,
    'backend.device': device,
    'limits.batch_size': job.limits.batchSize ?? 'auto',
  };
}

export interface Change {
  field: string;
  before: unknown;
  now: unknown;
}

/** The fields that differ, in the order of the fingerprint. */
export function changes(before: Fingerprint, now: Fingerprint): Change[] {
  const found: Change[] = [];
  for (const part of ['result', 'shape'] as const) {
    const fields = new Set([...Object.keys(now[part]), ...Object.keys(before[part])]);
    for (const field of fields) {
      const [old, current] = [before[part][field] ?? null, now[part][field] ?? null];
      if (canonical(old) !== canonical(current)) found.push({ field, before: old, now: current });
    }
  }
  return found;
}

/** JSON with sorted keys, so that equal values have equal texts. Bytes are represented by their SHA-256. */
export function canonical(value: unknown): string {
  // The common case first: a run hashes the texts of millions of rows.
  if (typeof value === 'string') return JSON.stringify(value);
  if (value instanceof Uint8Array) return `"sha256:${createHash('sha256').update(value).digest('hex')}"`;
  if (typeof value === 'bigint') return value.toString();
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (value !== null && typeof value === 'object') {
    const record = value as Record<string, unknown>;
    let text = '';
    const keys = Object.keys(record);
    // In the order of UTF-16 units, as everywhere in JavaScript. To sort costs more than to hash a short text.
    if (keys.length > 1) keys.sort();
    for (const key of keys) {
      if (record[key] === undefined) continue;
      text += `${text === '' ? '' : ','}${JSON.stringify(key)}:${canonical(record[key])}`;
    }
    return `{${text}}`;
  }
  return JSON.stringify(value) ?? 'null';
}

/** Texts of parameters; all rows of a job usually share one object. */
const parameterTexts = new WeakMap<object, string>();

/**
 * Identity of what is asked for one row: the first 128 bits of SHA-256, in hex. An answer in the journal is used again
 * only for a row that still asks the same.
 */
export function questionHash({ inputs, parameters }: { inputs: object; parameters: object }): string {
  let text = parameterTexts.get(parameters);
  if (text === undefined) {
    text = canonical(parameters);
    parameterTexts.set(parameters, text);
  }
  return shortHash(`${canonical(inputs)} ${text}`);
}

/** The first 128 bits of SHA-256, in hex. */
export function shortHash(text: string): string {
  return hash('sha256', text, 'hex').slice(0, 32);
}
