import * as z from 'zod';

/**
 * Every field of a job file: type, range, default and meaning. Validation, defaults, JSON Schema and docs/job-file.md
 * are all made from these definitions.
 */

/** Base URL of the Hugging Face router. */
export const defaultUrl = 'https://router.huggingface.co/hf-inference';

const positive = z.int().min(1);
const text = z.string().min(1);
const texts = z.union([text, z.array(text).min(1)], { error: 'wanted a text or a list of texts' });

export const sourceFormats = ['parquet', 'arrow', 'jsonl', 'csv', 'tsv', 'text', 'files'] as const;
export const outputFormats = ['parquet', 'arrow', 'jsonl'] as const;
export const compressions = ['zstd', 'snappy', 'gzip', 'none'] as const;
export const contracts = ['hf', 'endpoint', 'tei', 'openai'] as const;
export const dtypes = ['auto', 'fp32', 'fp16', 'q8', 'q4'] as const;
export const devices = ['cpu', 'cuda', 'tensorrt', 'coreml', 'dml', 'webgpu'] as const;

/** A model on the hub; with a router's suffix such as `:fastest`. */
const hubId = /^(?!.*\.\.)[A-Za-z0-9][\w.-]*(\/[A-Za-z0-9][\w.-]*)?(:[\w.-]+)?$/;
/** A model in a folder: an absolute path, or one that begins with a dot. */
export const folderPath = /^(\.{0,2}[/\\]|[A-Za-z]:[/\\])/;

function isHttp(url: string): boolean {
  return /^https?:\/\//i.test(url) && URL.canParse(url.replaceAll(/\{\w*\}/g, 'x'));
}

/** A task input or parameter: where its value comes from. */
export const binding = z.union(
  [text, z.strictObject({ column: text }), z.strictObject({ value: z.unknown() })],
  { error: 'wanted a column name, a template with {{ }}, {column: name} or {value: literal}' },
);

const source = z.strictObject({
  path: texts.describe(
    'Path, glob or directory, or a list of these. Hive directories (`dt=2026-11-01/`) become columns',
  ),
  format: z
    .enum(sourceFormats)
    .describe(
      'Default: told by the extension. `text`: each line is a row, column `text`. `files`: each file is a row with ' +
        'the columns path, name, size, modified, content',
    )
    .optional(),
  where: text
    .describe(
      'A SQL condition over the source columns; rows that fail it are counted as filtered and never sent',
    )
    .optional(),
  limit: positive.describe('The first N rows of the source, or of its `sample`, before `where`').optional(),
  sample: positive
    .describe(
      'N rows spread evenly over the whole source, before `where`, the same ones on every run; with `limit`, the first of them',
    )
    .optional(),
});

const backend = z.strictObject({
  type: z
    .enum(['api', 'onnx'])
    .describe(
      'Who answers: `api`, a server that speaks the Inference API, or `onnx`, worker processes on this machine',
    )
    .default('api'),
  url: text
    .refine((url) => isHttp(url), { error: 'wanted a full http(s) URL, such as http://127.0.0.1:8080' })
    .refine((url) => !/\{(?!(model|task)\})[a-z_]*\}/i.test(url), {
      error: 'only {model} and {task} are filled in',
    })
    .describe('Base URL or full endpoint URL; `{model}` and `{task}` are filled in')
    .default(defaultUrl),
  contract: z
    .enum(contracts)
    .describe(
      'How the server is spoken to. `hf`: POST …/models/{model} with {inputs, parameters, options} or raw bytes. ' +
        '`endpoint`: the same to the URL as it is given, such as a dedicated endpoint. `tei`: text-embeddings-inference ' +
        '(feature-extraction, text-classification, sentence-similarity). `openai`: servers that speak like OpenAI’s, ' +
        'such as vLLM: /v1/embeddings (feature-extraction), /v1/chat/completions (conversational, text-generation)',
    )
    .default('hf'),
  token: z
    .string()
    .describe(
      "Default `${HF_TOKEN}`, where that is set. Sent to the URL's origin only; never logged or written",
    )
    .optional(),
  headers: z
    .record(
      z.string().regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, { error: 'is not a header name' }),
      // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
      z.string().regex(/^[^\u0000-\u0008\u000a-\u001f\u007f]*$/, {
        error: 'a header value has no line breaks or control characters',
      }),
    )
    .describe('Further request headers')
    .default({}),
  workers: positive
    .describe(
      '`onnx`: worker processes. Default: one for each core, fewer where the model does not fit the memory',
    )
    .optional(),
  threads: positive
    .describe(
      '`onnx`: threads of ONNX Runtime in each worker. Default: 1, or what fewer workers leave of the cores',
    )
    .optional(),
  dtype: z
    .enum(dtypes)
    .describe(
      '`onnx`: number format of the weights. `auto` takes the first of fp32, q8, fp16, q4 that is there',
    )
    .default('auto'),
  device: z
    .enum(devices)
    .describe('`onnx`: execution provider of ONNX Runtime; never replaced by another one on the quiet')
    .default('cpu'),
  model_dir: text
    .describe('`onnx`: folder in which models (owner/name) are looked up before the Hugging Face cache')
    .optional(),
});

const concurrency = z.union(
  [
    positive,
    z.literal('auto'),
    z
      .strictObject({ min: positive.default(1), max: positive, start: positive.optional() })
      .refine(({ min, max, start = max }) => min <= start && start <= max, {
        error: 'wanted min, start and max in this order: no min above max, and start between them',
      }),
  ],
  { error: 'wanted a number from 1, auto, or {min, max, start}' },
);

const limits = z.strictObject({
  concurrency: concurrency
    .describe(
      'Requests in flight: a number, `auto` (up to 32, fewer when the server refuses), or {min, max, start}',
    )
    .default('auto'),
  batch_size: z
    .union([positive, z.literal('auto')], { error: 'wanted a number from 1, or auto' })
    .describe(
      'Rows in a request, where task and contract take lists. `auto`: 1; for `tei` 32, or fewer where the server’s ' +
        '/info says so. `onnx`: rows that are packed together, `auto` is 1024 to 256, the fewer the larger the model, and fewer towards the end',
    )
    .default('auto'),
  requests_per_second: z.number().positive().describe('Hard ceiling').optional(),
  requests_per_minute: z.number().positive().describe('Hard ceiling').optional(),
  timeout_s: z.number().positive().describe('For one attempt, seconds').default(120),
  max_requests: positive
    .describe('The run stops cleanly after so many requests, to be resumed later')
    .optional(),
  max_runtime_s: z
    .number()
    .positive()
    .describe('The run stops cleanly after so many seconds, to be resumed later')
    .optional(),
});

const retry = z.strictObject({
  max_attempts: positive.describe("For one row's transient failures, the first attempt included").default(8),
  base_delay_ms: z
    .number()
    .min(0)
    .describe('Back-off begins here: a random share of base × 2^n')
    .default(500),
  max_delay_ms: z
    .number()
    .min(0)
    .describe('Back-off ends here; a pause that the server asks for is kept, however long')
    .default(30_000),
  give_up_after_s: z
    .number()
    .positive()
    .describe(
      'An endpoint that has answered nothing but failures for this long ends the run, to be resumed later',
    )
    .default(600),
});

const failedRows = { error: 'wanted a number of rows, or a percentage from 0% to 100%' };

const errors = z.strictObject({
  on_row_error: z
    .enum(['keep', 'drop', 'fail'])
    .describe(
      '`keep`: a failed row has null results and a text in `error`; `drop`: it is left out; `fail`: it ends the run',
    )
    .default('keep'),
  max_failed_rows: z
    .union([z.int().min(0), z.string().regex(/^(100(\.0+)?|\d{1,2}(\.\d+)?)%$/, failedRows)], failedRows)
    .describe('A count or a percentage of all rows; above it the run stops with exit 4')
    .default('100%'),
});

const output = z.strictObject({
  path: text.describe('Directory of the parts'),
  format: z.enum(outputFormats).describe('Format of the parts').default('parquet'),
  keep: z
    .union([z.array(text), z.literal('*')], { error: 'wanted a list of source columns, or "*" for all' })
    .describe('Source columns copied into the output; `"*"` for all')
    .default([]),
  columns: z
    .record(z.string(), text)
    .describe('Result column → output name, for those that are wanted; default: all')
    .optional(),
  prefix: z.string().describe('Put before the name of each result column').default(''),
  rows_per_part: positive.describe('Rows in a part; a part never spans two source files').default(10_000),
  compression: z
    .enum(compressions)
    .describe(
      'Default `zstd` for Parquet, `none` for JSONL (which takes gzip and zstd) and Arrow (which takes none)',
    )
    .optional(),
});

/** The job file. `source: path` and `backend: api` are short forms of mappings. */
export const jobFields = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]*$/, { error: 'wanted small letters, digits and hyphens' })
    .describe("Name of the job. Default: the file's name")
    .optional(),
  task: text.describe('What the model does; `sluice tasks` lists them'),
  model: z
    .union([z.string().regex(hubId), z.string().regex(folderPath)], {
      error: 'wanted a model id such as owner/name, or for the onnx backend a path such as ./models/name',
    })
    .describe(
      'Hub id, or for the onnx backend a folder (./models/name); may be left out where `backend.url` is a full endpoint URL',
    )
    .optional(),
  source: z.preprocess(
    (value) => (typeof value === 'string' || Array.isArray(value) ? { path: value } : value),
    source,
  ),
  inputs: z.record(z.string(), binding).describe('Task input → column, template or literal'),
  parameters: z
    .record(z.string(), z.unknown())
    .describe("The task's parameters; a template or {column: name} is evaluated for each row")
    .default({}),
  options: z
    .strictObject({
      use_cache: z.boolean().describe('Let the API answer from its cache').default(true),
      wait_for_model: z
        .union([z.literal('auto'), z.boolean()], { error: 'wanted auto, true or false' })
        .describe(
          'Ask the server to hold a request while the model loads. `auto`: only after it said that it is loading',
        )
        .default('auto'),
    })
    .prefault({}),
  backend: z
    .preprocess((value) => (typeof value === 'string' ? { type: value } : value), backend)
    .prefault({}),
  limits: limits.prefault({}),
  retry: retry.prefault({}),
  errors: errors.prefault({}),
  output,
});

export type JobFields = z.infer<typeof jobFields>;
