import { describe, expect, test } from 'vitest';
import yargs from 'yargs';
import { emulateCommand, optionsOf, summaryOf } from '../../src/cli/emulate.ts';

/** The options that a command line gives, without a server. */
async function parsed(line: string) {
  let options: ReturnType<typeof optionsOf> | undefined;
  await yargs(line)
    .command({
      ...emulateCommand,
      handler: (args) => {
        options = optionsOf(args);
      },
    })
    .fail((message, error) => {
      throw error ?? new Error(message);
    })
    .parseAsync();
  return options;
}

describe('emulate', () => {
  test('has sensible defaults', async () => {
    expect(await parsed('emulate')).toMatchObject({
      port: 8080,
      host: '127.0.0.1',
      latencyMs: 0,
      faults: {},
    });
  });

  test('takes every option', async () => {
    const line =
      'emulate --port 0 --host ::1 --seed 3 --latency 20 --fault 500=3% --fault hang=1% --loading 2 --rate 10 ' +
      '--places 4 --token hf_x --task embeddings --poison bad --slow 1 --retry-after 2';
    expect(await parsed(line)).toEqual({
      port: 0,
      host: '::1',
      seed: 3,
      latencyMs: 20,
      faults: { 500: 0.03, hang: 0.01 },
      loadingS: 2,
      rate: 10,
      places: 4,
      token: 'hf_x',
      task: 'embeddings',
      poison: 'bad',
      slowS: 1,
      retryAfterS: 2,
    });
  });

  test('lets a fault of its own share stand beside a spread', async () => {
    expect(await parsed('emulate --fail 10% --fault 500=0')).toMatchObject({
      faults: { 500: 0, reset: 0.01 },
    });
  });

  test.each(['emulate --port abc', 'emulate --rate -1', 'emulate --fail lots', 'emulate --fault 500=x'])(
    'refuses %s',
    async (line) => {
      await expect(parsed(line)).rejects.toThrow(/number|share/);
    },
  );

  test('sums up what happened', () => {
    const stats = {
      requests: 5,
      rowsAnswered: 3,
      statuses: { 200: 3, 503: 2 },
      faults: {},
      connections: 2,
      inFlight: 1,
      maxInFlight: 2,
      whileLoading: 0,
      held: 0,
      inputs: { distinct: 3, askedAgain: 0, answeredAgain: 0 },
    };
    expect(summaryOf(stats)).toBe('5 requests, 3 rows answered, 1 in flight (at most 2); 200: 3, 503: 2');
  });
});
