import { basename } from 'node:path';
import { type Catalogue, findEntry } from './catalogue.ts';
import type { JobFields } from './fields.ts';
import type { Binding, Compression, Job, OutputFormat } from './job.ts';
import type { Locate, Problem } from './problem.ts';

export const compressionsOf: Record<OutputFormat, readonly Compression[]> = {
  parquet: ['zstd', 'snappy', 'gzip', 'none'],
  jsonl: ['none', 'gzip', 'zstd'],
  arrow: ['none'],
};
/**
 * Rows of a request. What a server says that it takes bounds them again. `onnx`: packing 128 rows by their length
 * leaves 2 % of padding; more of them gain nothing, and a stop would have to wait longer for them.
 */
const usualBatch = { hf: 1, endpoint: 1, tei: 32, openai: 1, onnx: 128 } as const;

export function isBound(value: unknown): boolean {
  if (typeof value === 'string') return /\{\{|\{%/.test(value);
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    Object.keys(value).length === 1 &&
    'column' in value
  );
}
function inputBinding(value: unknown): Binding {
  if (typeof value === 'string')
    return isBound(value) ? { kind: 'template', template: value } : { kind: 'column', column: value };
  if ('column' in (value as object)) return { kind: 'column', column: (value as { column: string }).column };
  return { kind: 'literal', value: (value as { value: unknown }).value };
}
function parameterBinding(value: unknown): Binding {
  if (isBound(value)) return inputBinding(value);
  if (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    Object.keys(value).join() === 'value'
  )
    return { kind: 'literal', value: (value as { value: unknown }).value };
  return { kind: 'literal', value };
}
export function jobOf(
  f: JobFields,
  o: { file: string; env: Readonly<Record<string, string | undefined>>; catalogue: Catalogue },
  locate: Locate,
  problems: Problem[],
): Job {
  const compression = f.output.compression ?? compressionsOf[f.output.format][0]!;
  if (!compressionsOf[f.output.format].includes(compression))
    problems.push({
      kind: 'invalid-option',
      message: `output.compression: ${f.output.format} takes ${compressionsOf[f.output.format].join(', ')}`,
      ...locate(['output', 'compression']),
    });
  const opt = <K extends string, V>(k: K, v: V | undefined) =>
    (v === undefined ? {} : { [k]: v }) as Partial<Record<K, V>>;
  const token = f.backend.token ?? o.env.HF_TOKEN;
  const c = f.limits.concurrency;
  const m = f.errors.max_failed_rows;
  return {
    file: o.file,
    name:
      f.name ??
      basename(o.file)
        .replace(/\.ya?ml$/i, '')
        .toLowerCase()
        .replace(/[^a-z0-9]+/g, '-'),
    task: findEntry(o.catalogue, f.task)?.name ?? f.task,
    ...opt('model', f.model),
    source: {
      paths: [f.source.path].flat(),
      ...opt('format', f.source.format),
      ...opt('where', f.source.where),
      ...opt('limit', f.source.limit),
      ...opt('sample', f.source.sample),
    },
    inputs: Object.fromEntries(Object.entries(f.inputs).map(([k, v]) => [k, inputBinding(v)])),
    parameters: Object.fromEntries(Object.entries(f.parameters).map(([k, v]) => [k, parameterBinding(v)])),
    options: { useCache: f.options.use_cache, waitForModel: f.options.wait_for_model },
    backend:
      f.backend.type === 'onnx'
        ? {
            type: 'onnx',
            ...opt('workers', f.backend.workers),
            ...opt('threads', f.backend.threads),
            dtype: f.backend.dtype,
            device: f.backend.device,
            ...opt('modelDir', f.backend.model_dir),
          }
        : {
            type: 'api',
            url: f.backend.url,
            contract: f.backend.contract,
            ...opt('token', token),
            headers: f.backend.headers,
          },
    limits: {
      concurrency: typeof c === 'object' ? { min: c.min, max: c.max, start: c.start ?? c.max } : c,
      batchSize:
        f.limits.batch_size === 'auto'
          ? usualBatch[f.backend.type === 'onnx' ? 'onnx' : f.backend.contract]
          : f.limits.batch_size,
      ...opt('requestsPerSecond', f.limits.requests_per_second),
      ...opt('requestsPerMinute', f.limits.requests_per_minute),
      timeoutS: f.limits.timeout_s,
      ...opt('maxRequests', f.limits.max_requests),
      ...opt('maxRuntimeS', f.limits.max_runtime_s),
    },
    retry: {
      maxAttempts: f.retry.max_attempts,
      baseDelayMs: f.retry.base_delay_ms,
      maxDelayMs: f.retry.max_delay_ms,
      giveUpAfterS: f.retry.give_up_after_s,
    },
    errors: {
      onRowError: f.errors.on_row_error,
      maxFailedRows: typeof m === 'number' ? { rows: m } : { share: Number.parseFloat(m) / 100 },
    },
    output: {
      path: f.output.path,
      format: f.output.format,
      keep: f.output.keep,
      ...opt('columns', f.output.columns),
      prefix: f.output.prefix,
      rowsPerPart: f.output.rows_per_part,
      compression,
    },
  } as Job;
}
