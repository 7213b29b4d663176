import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ApiBackend } from '../../../src/backends/api/http.ts';
import { contracts } from '../../../src/backends/api/contracts.ts';
import type { Question } from '../../../src/backends/backend.ts';
import { findTask } from '../../../src/tasks/index.ts';
import { isObject } from '../../../src/tasks/shapes.ts';
import type { Inputs, Parameters, Task } from '../../../src/tasks/task.ts';
import { scriptedServer } from './scripted-server.ts';

interface Exchange {
  id: string;
  task: string;
  model: string;
  endpoint: string;
  request_body: string | null;
  request_body_file: string | null;
  status: number;
  response_headers: Record<string, string>;
  response_body: string;
}

interface Sent {
  inputs: string | string[] | Inputs;
  parameters?: Parameters;
}

const folder = join(process.env.SLUICE_SHARED ?? '../shared', 'recordings');
const read = (name: string): Exchange[] =>
  existsSync(join(folder, name))
    ? readFileSync(join(folder, name), 'utf8')
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line))
    : [];

/** Plays the recorded answer to the request that sluice makes of the recorded one. */
async function play(
  exchange: Exchange,
  questions: readonly Question[],
  taskName: string,
  contract: keyof typeof contracts = 'hf',
) {
  const { status, response_headers, response_body } = exchange;
  const { 'content-length': _, 'transfer-encoding': __, connection: ___, ...headers } = response_headers;
  await using server = await scriptedServer((response) =>
    response.writeHead(status, headers).end(response_body),
  );
  const task = findTask(taskName)!;
  const backend = new ApiBackend({
    contract: contracts[contract],
    task,
    model: exchange.model,
    url: server.url,
    useCache: true,
  });
  try {
    const outcome = await backend.call(questions, { waitForModel: false, timeoutMs: 10_000 });
    return { outcome, request: server.received[0]! };
  } finally {
    await backend.close();
  }
}

/** One for each of the recorded inputs; those of the tasks with one input stand bare, or as a list of them. */
function questionsOf(task: Task, exchange: Exchange, sent: Sent | undefined): Question[] {
  const [name] = Object.keys(task.inputs);
  if (sent === undefined) {
    const bytes = readFileSync(join(folder, exchange.request_body_file!));
    return [{ inputs: { [name!]: { bytes } }, parameters: {} }];
  }
  const { inputs, parameters = {} } = sent;
  if (isObject(inputs)) return [{ inputs: inputs as Inputs, parameters }];
  return [inputs].flat().map((text) => ({ inputs: { [name!]: text as string }, parameters }));
}

const known = read('exchanges.jsonl').filter(({ task }) => findTask(task) !== undefined);

describe.skipIf(known.length === 0)('recorded answers (need the shared recordings)', () => {
  const cases = (['hf', 'endpoint'] as const).flatMap((contract) =>
    known.map((exchange) => [exchange.id, exchange.task, contract, exchange] as const),
  );
  test.each(cases)('%s %s %s', async (_, name, contract, exchange) => {
    const task = findTask(name)!;
    const sent = exchange.request_body === null ? undefined : JSON.parse(exchange.request_body);
    const questions = questionsOf(task, exchange, sent);
    const { outcome, request } = await play(exchange, questions, name, contract);
    expect(request.url).toBe(contract === 'hf' ? `/models/${exchange.model}` : '/');
    // A list of one text is sent as the text alone.
    if (sent !== undefined && !(Array.isArray(sent.inputs) && sent.inputs.length === 1))
      expect(JSON.parse(request.body.toString())).toMatchObject({ inputs: sent.inputs });
    expect(outcome.ok).toBe(true);
    if (!outcome.ok) return;
    for (const [i, { parameters }] of questions.entries()) {
      const row = task.decode(outcome.answers[i], parameters);
      expect(Object.keys(row)).toEqual(task.columns({}).map((column) => column.name));
      expect(Object.values(row)).not.toContain(undefined);
      expect(Object.values(row).some((value) => value !== null)).toBe(true);
    }
  });
});

const errors = read('errors.jsonl');
const expected: Record<number, [string, RegExp]> = {
  400: ['rejected', /400 (Error in|The following)/],
  401: ['fatal', /401 Invalid credentials/],
  404: ['fatal', /404 Model .* does not exist/],
  422: ['rejected', /422 Input validation error/],
  429: ['throttled', /429 Rate limit reached/],
  500: ['transient', /500 unknown error/],
};

describe.skipIf(errors.length === 0)('recorded errors (need the shared recordings)', () => {
  const failures = errors.filter(({ status }) => status !== 200);
  test.each(failures.map((exchange) => [exchange.id, exchange.status, exchange] as const))(
    '%s %i',
    async (_, status, exchange) => {
      const questions = [{ inputs: { text: 'x' }, parameters: {} }];
      const { outcome } =
        exchange.endpoint === 'chat-completions'
          ? await play(exchange, questions, 'conversational', 'openai')
          : await play(exchange, questions, 'text-classification');
      const loading = exchange.response_body.includes('estimated_time');
      const [failureClass, message] =
        status === 503
          ? loading
            ? ['loading', /503 .*loading/]
            : ['overloaded', /503 overloaded/]
          : expected[status]!;
      expect(outcome).toMatchObject({
        ok: false,
        failure: {
          class: failureClass,
          status,
          message: expect.stringMatching(message),
          ...(loading ? { estimatedMs: 20_000 } : undefined),
        },
      });
    },
  );
});
