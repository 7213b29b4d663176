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
          type: 'number',
          describe: 'Only the first N rows of the source (same as --set source.limit=N)',
        })
        .option('fresh', {
          type: 'boolean',
          default: false,
          describe: 'Forget what an earlier run wrote, and start anew',
        })
        .option('quiet', { type: 'boolean', default: false, describe: 'No progress, only errors' })
        .option('log-format', {
          choices: ['pretty', 'json'] as const,
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
        .option('limit', { type: 'number', describe: 'Only the first N rows of the source' })
        .option('json', { type: 'boolean', default: false, describe: 'As JSON' }),
    handler: async (args) => (await import('./plan.ts')).plan(args as never),
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
        .option('json', { type: 'boolean', default: false, describe: 'As JSON' }),
    handler: async (args) => (await import('./status.ts')).status(args as never),
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

function withJob(y: Argv): Argv {
  return y
    .positional('job', { type: 'string', demandOption: true, describe: 'Job file' })
    .option('set', setOption);
}
