import { afterEach, describe, expect, test } from 'vitest';
import { hf } from '../../src/backends/api/hf.ts';
import { ApiBackend } from '../../src/backends/api/http.ts';
import type { CallOptions, CallOutcome, Question } from '../../src/backends/backend.ts';
import { startEmulator } from '../../src/emulator/emulator.ts';
import type { Emulator, EmulatorOptions } from '../../src/emulator/emulator.ts';
import { inputSha } from '../../src/emulator/payload.ts';
import { FAULTS } from '../../src/emulator/faults.ts';
import { findTask, tasks } from '../../src/tasks/index.ts';
import type { InputKind } from '../../src/tasks/task.ts';

const SOME: Record<InputKind, unknown> = {
  text: 'Fill the [MASK]',
  texts: ['One', 'Two'],
  table: { Day: ['Monday'], Hours: ['7'] },
  image: 'iVBORw0KGgo=',
  audio: 'UklGRg==',
};

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function start(options: EmulatorOptions = {}): Promise<Emulator> {
  const emulator = await startEmulator(options);
  closing.push(() => emulator.close());
  return emulator;
}

function backendAt({ url }: Emulator, taskName = 'text-classification', token?: string): ApiBackend {
  const task = findTask(taskName)!;
  const model = 'owner/model';
  const backend = new ApiBackend({
    contract: hf,
    task,
    model,
    url,
    useCache: true,
    ...(token ? { token } : {}),
  });
  closing.push(() => backend.close());
  return backend;
}

const asking = (...texts: string[]): Question[] =>
  texts.map((text) => ({ inputs: { text }, parameters: {} }));

function ask(
  backend: ApiBackend,
  questions: Question[],
  options: Partial<CallOptions> = {},
): Promise<CallOutcome> {
  return backend.call(questions, { waitForModel: false, timeoutMs: 10_000, ...options });
}

function post(emulator: Emulator, path: string, body: unknown, headers = {}): Promise<Response> {
  const json = { 'content-type': 'application/json', ...headers };
  return fetch(emulator.url + path, { method: 'POST', headers: json, body: JSON.stringify(body) });
}

describe('a path', () => {
  test.each([
    ['/models/any/model', [[{ label: 'POSITIVE' }, { label: 'NEGATIVE' }]]],
    ['/hf-inference/models/any/model', [[{ label: 'POSITIVE' }, { label: 'NEGATIVE' }]]],
    [
      '/hf-inference/models/any/model/pipeline/text-classification',
      [[{ label: 'POSITIVE' }, { label: 'NEGATIVE' }]],
    ],
    ['/pipeline/sentiment-analysis/any/model', [[{ label: 'POSITIVE' }, { label: 'NEGATIVE' }]]],
    ['/pipeline/feature-extraction/any/model', expect.any(Array)],
  ])('%s answers', async (path, answer) => {
    const response = await post(await start(), path, { inputs: 'a good day' });
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject(answer);
  });

  test.each([
    '/models/any/model/pipeline/feature-extraction',
    '/models/any/model?task=feature-extraction',
    '/models/feature-extraction',
    '/models/my/embeddings-v2',
    '/models/sentence-transformers/all-MiniLM-L6-v2',
    '/models/BAAI/bge-small-en-v1.5',
  ])('%s tells that it wants a vector', async (path) => {
    const answer = await (await post(await start(), path, { inputs: 'a good day' })).json();
    expect(answer).toHaveLength(384);
  });

  test.each(tasks.map((task) => [task.exampleModel, task] as const))(
    '/models/%s is guessed by its name and the inputs',
    async (model, task) => {
      const inputs = Object.fromEntries(
        Object.entries(task.inputs).map(([name, { kind }]) => [name, SOME[kind]]),
      );
      const [only, ...others] = Object.values(inputs);
      const parameters = task.example.parameters ?? {};
      const response = await post(await start(), `/models/${model}`, {
        inputs: others.length === 0 ? only : inputs,
        parameters,
      });
      const answer = await response.json();
      expect(response.status, JSON.stringify(answer)).toBe(200);
      expect(Object.keys(task.decode(answer, parameters))).toEqual(
        task.columns(parameters).map(({ name }) => name),
      );
    },
  );

  test.each([
    [{ inputs: 'x', parameters: { candidate_labels: ['a', 'b'] } }, { labels: expect.any(Array) }],
    [{ inputs: 'x', parameters: { max_new_tokens: 3 } }, [{ generated_text: expect.any(String) }]],
    [{ inputs: { question: 'x', context: 'y' } }, { answer: 'y', start: 0, end: 1 }],
    [{ inputs: { text: 'x' } }, { generated_text: expect.any(String) }],
    [{ inputs: { query: 'x', table: { x: ['1'] } } }, { answer: '1', cells: ['1'] }],
    [{ inputs: { source_sentence: 'x', sentences: ['x', 'y'] } }, [expect.closeTo(1), expect.any(Number)]],
  ])('/models/owner/model with %j is guessed by the payload', async (body, answer) => {
    expect(await (await post(await start(), '/models/owner/model', body)).json()).toMatchObject(answer);
  });

  test('that does not tell is read by the task of the options, then by the payload', async () => {
    const emulator = await start({ task: 'embeddings' });
    expect(await (await post(emulator, '/models/any/model', { inputs: 'x' })).json()).toHaveLength(384);
    const image = { method: 'POST', headers: { 'content-type': 'image/png' }, body: 'not really' };
    const seen = await fetch(`${(await start()).url}/models/any/model`, image);
    expect(await seen.json()).toContainEqual({
      label: expect.any(String),
      score: expect.any(Number),
      box: expect.any(Object),
    });
  });

  test.each(['/models/', '/pipeline/no-such-task/m', '/models/some/missing-model', '/%zz'])(
    '%s is not found',
    async (path) => {
      expect((await post(await start(), path, { inputs: 'x' })).status).toBe(404);
    },
  );

  test('/ and /stats describe it', async () => {
    const emulator = await start();
    expect(await (await fetch(emulator.url)).text()).toContain('/models/{model}');
    await post(emulator, '/models/m', { inputs: 'x' });
    expect(await (await fetch(`${emulator.url}/stats?inputs`)).json()).toMatchObject({
      requests: 1,
      rowsAnswered: 1,
      statuses: { 200: 1 },
      perInput: { [inputSha({ text: 'x' })]: { asked: 1, answered: 1 } },
    });
  });
});

describe('a request is refused with 400', () => {
  test.each([
    ['that is no JSON', '{"inputs":'],
    ['that is plain text', 'hello'],
    ['without inputs', '{"text":"x"}'],
    ['whose inputs are a number', '{"inputs":7}'],
    ['whose parameter is of the wrong type', '{"inputs":"x","parameters":{"top_k":"many"}}'],
    ['that is poisoned', '{"inputs":"so [[poison]] it"}'],
    [
      'whose table is ragged',
      '{"inputs":{"query":"x","table":{"a":["1"],"b":[]}}}',
      '/models/any/model/pipeline/table-question-answering',
    ],
    [
      'whose sentences are a text',
      '{"inputs":{"source_sentence":"x","sentences":"y"}}',
      '/models/any/model/pipeline/sentence-similarity',
    ],
    ['without a question', '{"inputs":{"context":"x"}}', '/models/any/model/pipeline/question-answering'],
    ['without a mask to fill', '{"inputs":"x"}', '/models/fill-mask'],
    [
      'that has the poison in a table',
      '{"inputs":{"query":"x","table":{"a":["[[poison]]"]}}}',
      '/models/table-question-answering',
    ],
    ['that has a poisoned one in its batch', '{"inputs":["good","[[poison]]"]}'],
  ])('%s', async (_, body, path = '/models/text-classification') => {
    const emulator = await start();
    const response = await fetch(emulator.url + path, { method: 'POST', body });
    expect(response.status).toBe(400);
    expect(await response.json()).toEqual({ error: [expect.any(String)] });
    expect(emulator.stats().rowsAnswered).toBe(0);
  });
});

describe('through the backend', () => {
  test('single texts, batches and images come back as rows', async () => {
    const emulator = await start();
    const sentiment = findTask('text-classification')!;
    const outcome = await ask(backendAt(emulator), asking('I love it', 'I hate it'));
    expect(outcome.ok && outcome.answers.map((answer) => sentiment.decode(answer, {}).label)).toEqual([
      'POSITIVE',
      'NEGATIVE',
    ]);

    const vectors = await ask(
      backendAt({ ...emulator, url: `${emulator.url}/hf-inference` }, 'embeddings'),
      asking('a', 'b'),
    );
    expect(vectors).toMatchObject({ ok: true, answers: [{ length: 384 }, { length: 384 }] });

    const image = { bytes: new Uint8Array([1, 2, 3]), contentType: 'image/png' };
    const boxes = backendAt({ ...emulator, url: `${emulator.url}/models/detr` }, 'object-detection');
    const detection = findTask('object-detection')!;
    for (const parameters of [{}, { threshold: 0.5 }]) {
      const seen = await boxes.call([{ inputs: { image }, parameters }], {
        waitForModel: false,
        timeoutMs: 10_000,
      });
      expect(seen.ok && detection.decode(seen.answers[0], parameters).detections).not.toHaveLength(0);
    }
    expect(emulator.stats()).toMatchObject({ rowsAnswered: 6, inputs: { distinct: 5, answeredAgain: 1 } });
  });

  const healthy = ['slow'];
  const classes: Record<string, Record<string, unknown>> = {
    '429': { class: 'throttled', kind: 'rate_limit', status: 429, retryAfterMs: 2000 },
    '500': { class: 'transient', kind: 'server', status: 500 },
    '502': { class: 'transient', kind: 'server', status: 502, message: '502 Bad Gateway' },
    '503': { class: 'overloaded', kind: 'overloaded', status: 503 },
    '504': { class: 'transient', kind: 'server', status: 504 },
    reset: { class: 'transient', kind: 'reset' },
    truncated: { class: 'transient', kind: 'body', status: 200 },
    html: { class: 'transient', kind: 'body', status: 200 },
    error200: { class: 'transient', kind: 'body', status: 200 },
    hang: { class: 'transient', kind: 'timeout' },
    '400': { class: 'rejected', kind: 'rejected', status: 400 },
  };

  test.each(Object.keys(FAULTS).filter((fault) => !healthy.includes(fault)))(
    'the fault %s has its class',
    async (fault) => {
      const emulator = await start({ faults: { [fault]: 1 }, retryAfterS: 2 });
      const outcome = await ask(backendAt(emulator), asking('x'), {
        timeoutMs: fault === 'hang' ? 100 : 10_000,
      });
      expect(outcome).toMatchObject({ ok: false, failure: classes[fault]! });
      expect(emulator.stats()).toMatchObject({ requests: 1, rowsAnswered: 0, faults: { [fault]: 1 } });
    },
  );

  test('the fault slow is late, and late enough it is a timeout', async () => {
    const emulator = await start({ faults: { slow: 1 }, slowS: 0.05 });
    expect(await ask(backendAt(emulator), asking('x'))).toMatchObject({ ok: true });
    expect(await ask(backendAt(emulator), asking('x'), { timeoutMs: 10 })).toMatchObject({
      failure: { kind: 'timeout' },
    });
  });

  test('a wrong token and a missing model are fatal', async () => {
    const emulator = await start({ token: 'hf_right' });
    expect(await ask(backendAt(emulator, undefined, 'hf_wrong'), asking('x'))).toMatchObject({
      failure: { class: 'fatal', kind: 'auth', status: 401 },
    });
    expect(await ask(backendAt(emulator, undefined, 'hf_right'), asking('x'))).toMatchObject({ ok: true });
    const missing = { ...emulator, url: `${emulator.url}/models/o/missing` };
    expect(await ask(backendAt(missing, undefined, 'hf_right'), asking('x'))).toMatchObject({
      failure: { class: 'fatal', kind: 'not_found', status: 404 },
    });
  });

  test('a loading model says so, and holds a request that waits', async () => {
    const emulator = await start({ loadingS: 0.3 });
    const backend = backendAt(emulator);
    expect(await ask(backend, asking('x'))).toMatchObject({
      failure: { class: 'loading', kind: 'loading', status: 503, estimatedMs: 300 },
    });
    expect(await ask(backend, asking('x'), { waitForModel: true })).toMatchObject({ ok: true });
    expect(await ask(backend, asking('x'))).toMatchObject({ ok: true });
    expect(emulator.stats()).toMatchObject({ whileLoading: 2, held: 1 });
  });

  test('an image that waits asks so by its headers', async () => {
    const emulator = await start({ loadingS: 0.1 });
    const backend = backendAt(emulator, 'object-detection');
    const question = {
      inputs: { image: { bytes: new Uint8Array([9]), contentType: 'image/png' } },
      parameters: {},
    };
    expect(await ask(backend, [question], { waitForModel: true })).toMatchObject({ ok: true });
    expect(emulator.stats()).toMatchObject({ held: 1 });
  });

  test('more requests than places are refused', async () => {
    const emulator = await start({ places: 2, latencyMs: 100 });
    const backend = backendAt(emulator);
    const outcomes = await Promise.all(['a', 'b', 'c'].map((text) => ask(backend, asking(text))));
    const refused = outcomes.filter((outcome) => !outcome.ok);
    expect(refused).toMatchObject([{ failure: { class: 'overloaded' } }]);
    expect(emulator.stats()).toMatchObject({ maxInFlight: 3, rowsAnswered: 2, connections: 3 });
  });

  test('more requests than the rate are throttled', async () => {
    const backend = backendAt(await start({ rate: 1 }));
    expect(await ask(backend, asking('a'))).toMatchObject({ ok: true });
    expect(await ask(backend, asking('b'))).toMatchObject({
      failure: { class: 'throttled', retryAfterMs: 1000 },
    });
  });
});

describe('a batch is answered like its rows one by one', () => {
  const batched = tasks.filter((task) => hf.maxBatch(task) > 1);
  test.each(batched.map((task) => [task.name, task] as const))('%s', async (name, task) => {
    const backend = backendAt(await start({ task: name }), name);
    const parameters = task.example.parameters ?? {};
    const texts = [
      'A [MASK] day in Oslo with Ada.',
      'No [MASK] here',
      'Ada [MASK] and Ole met Ada.',
      '[MASK] refund',
    ];
    const questions = texts.map((text) => ({ inputs: { text }, parameters }));
    const rowsOf = (outcome: CallOutcome) =>
      outcome.ok ? outcome.answers.map((answer) => task.decode(answer, parameters)) : outcome.failure;
    const one = await Promise.all(questions.map(async (question) => rowsOf(await ask(backend, [question]))));
    expect(rowsOf(await ask(backend, questions))).toEqual(one.flat());
  });
});

test('the same seed gives the same faults, in whatever order the inputs come', async () => {
  const texts = Array.from({ length: 60 }, (_, i) => `text ${i}`);
  const failing = async (seed: number, order: string[]) => {
    const backend = backendAt(await start({ seed, faults: { '500': 0.3 } }));
    const failed = new Set<string>();
    for (const text of order) if (!(await ask(backend, asking(text))).ok) failed.add(text);
    return texts.filter((text) => failed.has(text));
  };
  const first = await failing(1, texts);
  expect(first.length).toBeGreaterThan(8);
  expect(first.length).toBeLessThan(30);
  expect(await failing(1, texts.toReversed())).toEqual(first);
  expect(await failing(2, texts)).not.toEqual(first);
});

test('a port that is taken is said', async () => {
  const { port } = new URL((await start()).url);
  await expect(startEmulator({ port: Number(port) })).rejects.toMatchObject({ code: 'EMULATE_PORT' });
});

test('an unknown task is said', async () => {
  await expect(startEmulator({ task: 'nonsense' })).rejects.toMatchObject({ code: 'EMULATE_TASK', exit: 2 });
});
