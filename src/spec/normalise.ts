import { basename } from 'node:path';
import { inputBinding, parameterBinding } from './bindings.ts';
import { type Catalogue, findEntry } from './catalogue.ts';
import type { JobFields } from './fields.ts';
import type {
  BackendSpec,
  Binding,
  Compression,
  ErrorsSpec,
  Job,
  LimitsSpec,
  OutputFormat,
  OutputSpec,
  SourceSpec,
} from './job.ts';

/** What each output format can be compressed with; the first is the default. */
export const compressionsOf: Record<OutputFormat, readonly Compression[]> = {
  parquet: ['zstd', 'snappy', 'gzip', 'none'],
  jsonl: ['none', 'gzip', 'zstd'],
  arrow: ['none'],
};

/** Rows of a request to an API. What a server says that it takes bounds them again. */
const usualBatch = { hf: 1, endpoint: 1, tei: 32, openai: 1 } as const;

export interface JobContext {
  /** The job file's path; its name is the job's where it has none. */
  file: string;
  env: Readonly<Record<string, string | undefined>>;
  catalogue: Catalogue;
}

/** The job that valid fields describe: short forms written out, defaults filled in that hang on other fields. */
export function jobOf(fields: JobFields, { file, env, catalogue }: JobContext): Job {
  const { options, retry } = fields;
  return {
    file,
    name: fields.name ?? nameOf(file),
    task: findEntry(catalogue, fields.task)?.name ?? fields.task,
    ...given('model', fields.model),
    source: sourceOf(fields),
    inputs: bindings(fields.inputs, inputBinding),
    parameters: bindings(fields.parameters, parameterBinding),
    options: { useCache: options.use_cache, waitForModel: options.wait_for_model },
    backend: backendOf(fields, env.HF_TOKEN),
    limits: limitsOf(fields),
    retry: {
      maxAttempts: retry.max_attempts,
      baseDelayMs: retry.base_delay_ms,
      maxDelayMs: retry.max_delay_ms,
      giveUpAfterS: retry.give_up_after_s,
    },
    errors: errorsOf(fields),
    output: outputOf(fields),
  };
}

/** `name` from the job file's name: `My Job.yaml` is `my-job`. */
function nameOf(file: string): string {
  const slug = basename(file)
    .replace(/\.ya?ml$/i, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '');
  return slug === '' ? 'job' : slug;
}

function bindings(
  values: Readonly<Record<string, unknown>>,
  bindingOf: (value: unknown) => Binding,
): Record<string, Binding> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, bindingOf(value)]));
}

function sourceOf({ source }: JobFields): SourceSpec {
  return {
    paths: [source.path].flat(),
    ...given('format', source.format),
    ...given('where', source.where),
    ...given('limit', source.limit),
    ...given('sample', source.sample),
  };
}

function backendOf({ backend }: JobFields, usualToken: string | undefined): BackendSpec {
  if (backend.type === 'api') {
    const { type, url, contract, headers } = backend;
    return { type, url, contract, headers, ...given('token', backend.token ?? usualToken) };
  }
  const { type, dtype, device } = backend;
  return {
    type,
    dtype,
    device,
    ...given('workers', backend.workers),
    ...given('threads', backend.threads),
    ...given('modelDir', backend.model_dir),
  };
}

function limitsOf({ limits, backend }: JobFields): LimitsSpec {
  const { concurrency, batch_size: asked } = limits;
  const usual = backend.type === 'onnx' ? undefined : usualBatch[backend.contract];
  return {
    concurrency:
      typeof concurrency === 'object'
        ? { ...concurrency, start: concurrency.start ?? concurrency.max }
        : concurrency,
    ...given('batchSize', asked === 'auto' ? usual : asked),
    ...given('requestsPerSecond', limits.requests_per_second),
    ...given('requestsPerMinute', limits.requests_per_minute),
    timeoutS: limits.timeout_s,
    ...given('maxRequests', limits.max_requests),
    ...given('maxRuntimeS', limits.max_runtime_s),
  };
}

function errorsOf({ errors }: JobFields): ErrorsSpec {
  const most = errors.max_failed_rows;
  return {
    onRowError: errors.on_row_error,
    maxFailedRows: typeof most === 'number' ? { rows: most } : { share: Number.parseFloat(most) / 100 },
  };
}

function outputOf({ output }: JobFields): OutputSpec {
  return {
    path: output.path,
    format: output.format,
    keep: output.keep,
    ...given('columns', output.columns),
    prefix: output.prefix,
    rowsPerPart: output.rows_per_part,
    compression: output.compression ?? compressionsOf[output.format][0]!,
  };
}

/** A property that is there only where it has a value. */
function given<K extends string, V>(name: K, value: V | undefined): { [name in K]?: V } {
  return (value === undefined ? {} : { [name]: value }) as { [name in K]?: V };
}
