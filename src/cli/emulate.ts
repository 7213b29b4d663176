import type { CommandModule } from 'yargs';
import { POISON, startEmulator } from '../emulator/emulator.ts';
import type { EmulatorOptions } from '../emulator/emulator.ts';
import { FAULTS, parseFault, parseShare, spreadFaults } from '../emulator/faults.ts';
import type { FaultShares } from '../emulator/faults.ts';
import type { EmulatorStats } from '../emulator/stats.ts';

interface EmulateArguments {
  port: number;
  host: string;
  seed: number;
  latency: number;
  fail: string | undefined;
  fault: string[];
  loading: number | undefined;
  rate: number | undefined;
  places: number | undefined;
  token: string | undefined;
  task: string | undefined;
  poison: string;
  slow: number;
  'retry-after': number;
}

/** How often what happened is told, where something did. */
const REPORT_MS = 10_000;

export const emulateCommand: CommandModule<unknown, EmulateArguments> = {
  command: 'emulate',
  describe: 'a local server that speaks the API, answers deterministically, and can be told to fail',
  builder: (yargs) =>
    yargs
      .option('port', { type: 'number', default: 8080, describe: 'Port to listen on; 0 for a free one' })
      .option('host', { type: 'string', default: '127.0.0.1', describe: 'Address to listen on' })
      .option('task', {
        type: 'string',
        describe: 'Task of requests whose path, model and payload do not tell',
      })
      .option('token', { type: 'string', describe: 'Answer 401 to requests without this token' })
      .option('seed', { type: 'number', default: 0, describe: 'Which attempts meet faults' })
      .option('latency', { type: 'number', default: 0, describe: 'Milliseconds before each answer' })
      .option('fail', {
        type: 'string',
        describe: 'Share of the attempts that fail, over all faults that heal: 12%',
      })
      .option('fault', {
        type: 'string',
        array: true,
        nargs: 1,
        default: [],
        describe: `Share of one fault, such as 500=3%; may be repeated. Faults: ${Object.keys(FAULTS).join(', ')}`,
      })
      .option('loading', {
        type: 'number',
        describe: 'Seconds for which the model loads, from the first request on',
      })
      .option('rate', { type: 'number', describe: 'Requests a second that pass; more get 429' })
      .option('places', { type: 'number', describe: 'Requests served at a time; more get 503' })
      .option('poison', {
        type: 'string',
        default: POISON,
        describe: 'Inputs that contain this text are refused',
      })
      .option('slow', { type: 'number', default: 5, describe: 'Seconds by which the fault slow is late' })
      .option('retry-after', {
        type: 'number',
        default: 1,
        describe: 'Seconds that the fault 429 asks to wait',
      })
      .requiresArg(['port', 'host', 'task', 'token', 'seed', 'latency', 'fail', 'loading', 'rate', 'places'])
      .requiresArg(['poison', 'slow', 'retry-after'])
      .check((args) => {
        if (args.port > 65_535) throw new Error('--port must be a number from 0 to 65535');
        for (const [name, value] of Object.entries(args)) {
          if (typeof value === 'number' && !(value >= 0))
            throw new Error(`--${name} must be a number from 0 up`);
        }
        return true;
      })
      .example('$0 emulate --fail 12%', 'an API on a bad day')
      .example('$0 emulate --loading 20 --places 8', 'a model that wakes up, on a small machine'),
  handler: async (args) => {
    const emulator = await startEmulator(optionsOf(args));
    process.stdout.write(`${emulator.url}\n`);
    let told = 0;
    const report = () => {
      const stats = emulator.stats();
      if (stats.requests === told) return;
      told = stats.requests;
      process.stderr.write(`${summaryOf(stats)}\n`);
    };
    const timer = setInterval(report, REPORT_MS);
    await new Promise<void>((resolve) => {
      process.once('SIGINT', resolve);
      process.once('SIGTERM', resolve);
    });
    clearInterval(timer);
    report();
    await emulator.close();
  },
};

/** @throws {SluiceError} EMULATE_FAULT */
export function optionsOf(args: EmulateArguments): EmulatorOptions {
  const faults: FaultShares = args.fail === undefined ? {} : spreadFaults(parseShare(args.fail));
  for (const fault of args.fault) Object.assign(faults, parseFault(fault));
  return {
    port: args.port,
    host: args.host,
    seed: args.seed,
    latencyMs: args.latency,
    faults,
    poison: args.poison,
    slowS: args.slow,
    retryAfterS: args['retry-after'],
    loadingS: args.loading,
    rate: args.rate,
    places: args.places,
    token: args.token,
    task: args.task,
  };
}

export function summaryOf({
  requests,
  rowsAnswered,
  inFlight,
  maxInFlight,
  statuses,
}: EmulatorStats): string {
  const byStatus = Object.entries(statuses).map(([status, count]) => `${status}: ${count}`);
  return (
    `${requests} requests, ${rowsAnswered} rows answered, ${inFlight} in flight (at most ${maxInFlight}); ` +
    byStatus.join(', ')
  );
}
