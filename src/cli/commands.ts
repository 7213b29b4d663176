import type { Argv, CommandModule } from 'yargs';

/**
 * The commands, in the order of `--help`. Options stand here; what a command does is in its own file and loaded when
 * it is called.
 */
export const commands: readonly CommandModule[] = [
  {
    command: 'run <job>',
    describe: 'Run a job, or go on with it: what is done is left alone, what failed to finish is tried again',
    builder: (y) =>
      withJob(y)
        .option('limit', {
          ...wholeNumber('limit'),
          describe: 'Only the first N rows of the source (same as --set source.limit=N)',
        })
        .option('fresh', {
          type: 'boolean',
          default: false,
          describe: 'Forget what an earlier run wrote, and start anew',
        })
        .option('shard', {
          type: 'string',
          requiresArg: true,
          describe: 'I/N: only what is the I-th of N processes to do, on any machines that see the output',
        })
        .option('prune', {
          type: 'boolean',
          default: false,
          describe: 'Remove the parts of source files that are gone; without it they are kept',
        })
        .option('quiet', { type: 'boolean', default: false, describe: 'No progress, only errors' })
        .option('log-format', {
          choices: ['pretty', 'json'] as const,
          requiresArg: true,
          describe: 'Default: pretty on a terminal, else json',
        })
        .example(
          '$0 run jobs/reviews.yaml',
          'first run, resume and no-op: the same line in a terminal, cron and CI',
        )
        .example('$0 run jobs/reviews.yaml --limit 100', 'try it; the rows are not asked again later'),
    handler: async (args) => (await import('./run.ts')).run(args as never),
  },
  {
    command: 'plan <job>',
    describe:
      'Show rows, shards and requests, what is done, and what a first request would look like; sends nothing',
    builder: (y) =>
      withJob(y)
        .option('limit', { ...wholeNumber('limit'), describe: 'Only the first N rows of the source' })
        .option('json', { type: 'boolean', default: false, describe: 'As JSON' }),
    handler: async (args) => (await import('./plan.ts')).plan(args as never),
  },
  {
    command: 'preview <job>',
    describe:
      'Really run the first rows and print what they are mapped to and what comes back; writes nothing',
    builder: (y) =>
      withJob(y)
        .option('rows', {
          alias: 'n',
          ...wholeNumber('rows'),
          default: 5,
          describe: 'How many rows are asked',
        })
        .example('$0 preview jobs/reviews.yaml -n 3', 'three rows, three requests'),
    handler: async (args) => (await import('./preview.ts')).preview(args as never),
  },
  {
    command: 'compare <job>',
    describe:
      'Ask another backend the same first rows, too, and show how much the answers agree; writes nothing',
    builder: (y) =>
      withJob(y)
        .option('with', {
          choices: ['onnx', 'api'] as const,
          requiresArg: true,
          demandOption: true,
          describe: 'The other backend; its other fields are those of the job',
        })
        .option('model', { type: 'string', requiresArg: true, describe: 'Model of the other side' })
        .option('other-set', {
          ...setOption,
          describe: 'Override a field for the other side alone: backend.dtype=q8',
        })
        .option('rows', {
          alias: 'n',
          ...wholeNumber('rows'),
          default: 100,
          describe: 'How many rows each side is asked',
        })
        .option('min-agreement', {
          ...share('min-agreement'),
          describe:
            'What every measure must reach in place of its own threshold, 0 to 1; differences and error rates may ' +
            'be 1 minus this. Exit 4 where one misses it',
        })
        .example(
          '$0 compare jobs/reviews.yaml --with onnx',
          'may this job move from the API to this machine?',
        ),
    handler: async (args) => (await import('./compare.ts')).compare(args as never),
  },
  {
    command: ['check <job..>', 'lint <job..>'],
    describe: 'List every problem of job files, against the real source; for CI',
    builder: (y) =>
      y
        .positional('job', { type: 'string', array: true, demandOption: true, describe: 'Job files' })
        .option('set', setOption),
    handler: async (args) => (await import('./check.ts')).check(args as never),
  },
  {
    command: 'status <job>',
    describe: 'Show the ledger, shards by state and failures by kind of a job or an output directory',
    builder: (y) =>
      y
        .positional('job', { type: 'string', demandOption: true, describe: 'Job file or output directory' })
        .option('set', setOption)
        .option('verify', {
          type: 'boolean',
          default: false,
          describe:
            'Read every part and compare its SHA-256 with what was committed; exit 3 where one differs',
        })
        .option('json', { type: 'boolean', default: false, describe: 'As JSON' }),
    handler: async (args) => (await import('./status.ts')).status(args as never),
  },
  {
    command: 'retry <job>',
    describe: 'Ask failed rows again and replace their parts; rows that have an answer are never asked again',
    builder: (y) =>
      withJob(y)
        .option('kind', {
          type: 'string',
          array: true,
          default: [] as string[],
          nargs: 1,
          describe: 'Only failures of this kind, as status names it: timeout, server, rejected, …',
        })
        .option('shard', {
          type: 'number',
          array: true,
          default: [] as number[],
          nargs: 1,
          describe: 'Only this shard: part-00012 is shard 12',
        })
        .option('all', {
          type: 'boolean',
          default: false,
          describe: 'All failed rows; the default without --kind and --shard',
        })
        .option('quiet', { type: 'boolean', default: false, describe: 'No progress, only errors' })
        .option('log-format', {
          choices: ['pretty', 'json'] as const,
          describe: 'Default: pretty on a terminal, else json',
        })
        .example('$0 retry jobs/reviews.yaml --kind timeout', 'the rows whose requests timed out, no others'),
    handler: async (args) => (await import('./retry.ts')).retry(args as never),
  },
  {
    command: 'init [task]',
    describe: 'Print a commented job file for a task, to be filled in',
    builder: (y) =>
      y
        .positional('task', {
          type: 'string',
          default: 'text-classification',
          describe: 'A task or its alias',
        })
        .example('$0 init summarization > news.yaml', 'the beginning of a job'),
    handler: async (args) => (await import('./init.ts')).init(args as never),
  },
  {
    command: 'tasks [task]',
    describe: "List the tasks, or one task's inputs, parameters, result columns and an example",
    builder: (y) =>
      y
        .positional('task', { type: 'string', describe: 'A task or its alias' })
        .option('json', { type: 'boolean', default: false, describe: 'As JSON' }),
    handler: async (args) => (await import('./tasks.ts')).tasks(args as never),
  },
  {
    command: 'inspect <path>',
    describe: 'Show columns, row count and first rows of any file that sluice can read or has written',
    builder: async (y: Argv) => {
      const { sourceFormats } = await import('../spec/fields.ts');
      return y
        .positional('path', { type: 'string', demandOption: true, describe: 'File, folder or glob' })
        .option('rows', {
          alias: 'n',
          ...wholeNumber('rows'),
          default: 5,
          describe: 'How many rows are shown',
        })
        .option('format', {
          choices: sourceFormats,
          requiresArg: true,
          describe: 'Default: told by the extension',
        })
        .option('json', { type: 'boolean', default: false, describe: 'As JSON' })
        .example('$0 inspect out/reviews', 'what a job has written')
        .example("$0 inspect 'lake/dt=*/*.parquet'", 'what a job would read');
    },
    handler: async (args) => (await import('./inspect.ts')).inspect(args as never),
  },
  {
    command: 'models <action> [model]',
    describe:
      'List the models on this machine, show one, or fetch one from the Hugging Face hub; for `backend: onnx`',
    builder: (y) =>
      y
        .positional('action', { choices: ['list', 'show', 'pull'] as const, demandOption: true })
        .positional('model', { type: 'string', describe: 'owner/name, for show and pull' })
        .option('model-dir', { type: 'string', describe: 'The folder of backend.model_dir' })
        .option('json', { type: 'boolean', default: false, describe: 'As JSON' })
        .option('revision', { type: 'string', default: 'main', describe: 'pull: branch, tag or commit' })
        .option('dtype', {
          choices: ['auto', 'fp32', 'fp16', 'q8', 'q4'] as const,
          default: 'auto' as const,
          describe: 'pull: number format of the weights',
        })
        .example('$0 models pull Xenova/all-MiniLM-L6-v2 --dtype q8', 'once; runs ask no network afterwards'),
    handler: async (args) => {
      await (await import('./models.ts')).models(args as never);
    },
  },
  {
    command: 'schema',
    describe: 'Print the JSON Schema of the job file, for editors',
    handler: async () => (await import('./schema.ts')).schema(),
  },
  {
    command: 'emulate',
    describe: 'A local server that speaks the API, answers deterministically, and can be told to fail',
    builder: async (y: Argv) => {
      const { builder } = (await import('./emulate.ts')).emulateCommand;
      return typeof builder === 'function' ? builder(y) : y;
    },
    handler: async (args) => (await import('./emulate.ts')).emulateCommand.handler(args as never),
  },
  {
    command: 'quickstart',
    describe: 'Run the shipped job over shipped sentences against the emulator: no token, no network',
    builder: (y) =>
      y.option('local', {
        type: 'boolean',
        default: false,
        describe: 'With a small shipped model on this machine instead, jobs/local-sentiment.yaml',
      }),
    handler: async (args) => {
      const { localQuickstart, quickstart } = await import('./quickstart.ts');
      await (args.local ? localQuickstart() : quickstart());
    },
  },
];

const setOption = {
  type: 'string',
  array: true,
  default: [] as string[],
  // One value a flag: `--set a=1 job.yaml` must not swallow the job.
  nargs: 1,
  describe: 'Override a field of the job file: limits.concurrency=8',
} as const;

/** An option that takes a whole number from 1. Without its number it must not count as left out: it limits costs. */
function wholeNumber(name: string) {
  return {
    type: 'number',
    requiresArg: true,
    coerce: (value: unknown) => {
      if (Array.isArray(value)) throw new Error(`--${name} is given more than once`);
      if (!Number.isSafeInteger(value) || Number(value) < 1)
        throw new Error(`--${name}: wanted a whole number from 1`);
      return value;
    },
  } as const;
}

/** An option that takes a number from 0 to 1. */
function share(name: string) {
  return {
    type: 'number',
    requiresArg: true,
    coerce: (value: unknown) => {
      if (typeof value !== 'number' || !(value >= 0 && value <= 1))
        throw new Error(`--${name}: wanted a number from 0 to 1`);
      return value;
    },
  } as const;
}

function withJob(y: Argv): Argv {
  return y
    .positional('job', { type: 'string', demandOption: true, describe: 'Job file' })
    .option('set', setOption);
}
