/** A job as the rest of the program sees it: every default filled in, nothing left to interpret. */

/** Where a task input or a parameter takes its value from, for each row. */
export type Binding =
  /** A source column; dots reach into structs unless a column of exactly that name exists. */
  | { kind: 'column'; column: string }
  /** A Jinja template over the row. */
  | { kind: 'template'; template: string }
  /** The same value for every row. */
  | { kind: 'literal'; value: unknown };

export type SourceFormat = 'parquet' | 'arrow' | 'jsonl' | 'csv' | 'tsv' | 'text' | 'files';
export type OutputFormat = 'parquet' | 'arrow' | 'jsonl';
export type Compression = 'zstd' | 'snappy' | 'gzip' | 'none';

export interface SourceSpec {
  /** Paths, globs or directories, as the user wrote them. */
  paths: string[];
  /** Undefined: told by each file's extension. */
  format?: SourceFormat;
  /** A SQL condition over the source columns. */
  where?: string;
  /** The first N rows of the source, before `where`. */
  limit?: number;
  /** N rows spread evenly over the source, the same ones on every run. */
  sample?: number;
}

export interface ApiSpec {
  type: 'api';
  /** Base URL or full endpoint URL; `{model}` and `{task}` are filled in. */
  url: string;
  contract: 'hf' | 'endpoint' | 'tei' | 'openai';
  /** Sent to the URL's origin only. Never logged, journaled or written. */
  token?: string;
  headers: Record<string, string>;
}

/** A pool of worker processes on this machine. */
export interface OnnxSpec {
  type: 'onnx';
  /** Undefined: by the machine's cores and memory. */
  workers?: number;
  /** Threads of ONNX Runtime in each worker. Undefined: what is left of the cores. */
  threads?: number;
  dtype: 'auto' | 'fp32' | 'fp16' | 'q8' | 'q4';
  /** Execution provider of ONNX Runtime. */
  device: string;
  /** Where models are looked up before the Hugging Face cache. */
  modelDir?: string;
}

export type BackendSpec = ApiSpec | OnnxSpec;

export interface LimitsSpec {
  /** Requests in flight. `auto` lets the governor find it. */
  concurrency: number | 'auto' | { min: number; max: number; start: number };
  /** Rows in a request, where task and contract take lists. Undefined: as many as suit the local model. */
  batchSize?: number;
  requestsPerSecond?: number;
  requestsPerMinute?: number;
  /** For one attempt, seconds. */
  timeoutS: number;
  maxRequests?: number;
  maxRuntimeS?: number;
}

export interface RetrySpec {
  /** Attempts for one row's transient failures, the first included. */
  maxAttempts: number;
  baseDelayMs: number;
  maxDelayMs: number;
  /** An endpoint that has answered nothing but failures for this long ends the run. */
  giveUpAfterS: number;
}

export interface ErrorsSpec {
  onRowError: 'keep' | 'drop' | 'fail';
  /** A count of rows, or a share of the rows read (0 to 1). */
  maxFailedRows: { rows: number } | { share: number };
}

export interface OutputSpec {
  path: string;
  format: OutputFormat;
  /** Source columns copied into the output; `*` for all. */
  keep: string[] | '*';
  /** Result column to output name, for those that are wanted; undefined: all, under their own names. */
  columns?: Record<string, string>;
  prefix: string;
  /** Rows in a shard. */
  rowsPerPart: number;
  compression: Compression;
}

export interface Job {
  /** The job file's path as given on the command line. */
  file: string;
  name: string;
  /** Canonical name of the task, aliases resolved. */
  task: string;
  model?: string;
  source: SourceSpec;
  inputs: Record<string, Binding>;
  parameters: Record<string, Binding>;
  options: { useCache: boolean; waitForModel: 'auto' | boolean };
  backend: BackendSpec;
  limits: LimitsSpec;
  retry: RetrySpec;
  errors: ErrorsSpec;
  output: OutputSpec;
}
