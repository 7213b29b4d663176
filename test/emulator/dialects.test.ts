import { describe, expect, test } from 'vitest';
import { ApiBackend } from '../../src/backends/api/http.ts';
import { contracts } from '../../src/backends/api/contracts.ts';
import type { CallFailure, Question } from '../../src/backends/backend.ts';
import type { EmulatorOptions } from '../../src/emulator/emulator.ts';
import { FAULTS, type FaultKind } from '../../src/emulator/faults.ts';
import { findTask } from '../../src/tasks/index.ts';
import { withEmulator } from '../e2e/emulated.ts';

/** What the tests look at of an answer of OpenAI's. */
interface Body {
  data: { index: number; embedding: number[] }[];
  choices: { message: { content: string } }[];
}

/** What a server of the kind is posted, and what it says. */
async function posted(path: string, body: unknown, options: EmulatorOptions = {}) {
  return withEmulator(options, async ({ url }) => {
    const response = await fetch(url + path, { method: 'POST', body: JSON.stringify(body) });
    return { status: response.status, body: (await response.json()) as Body };
  });
}

async function called(contract: keyof typeof contracts, name: string, options: EmulatorOptions) {
  return withEmulator({ task: name, ...options }, async ({ url }) => {
    const task = findTask(name)!;
    const backend = new ApiBackend({
      contract: contracts[contract],
      task,
      url,
      model: 'a/b',
      useCache: true,
    });
    const question: Question = { inputs: { text: 'good' }, parameters: {} };
    try {
      return await backend.call([question], { waitForModel: false, timeoutMs: 150 });
    } finally {
      await backend.close();
    }
  });
}

describe('text-embeddings-inference', () => {
  const [good, bad] = ['a good day', 'a bad day'];
  const labels = expect.arrayContaining([{ label: 'POSITIVE', score: expect.any(Number) }]);

  test.each([
    ['/predict', { inputs: good }, labels],
    ['/predict', { inputs: [[good], [bad]] }, [labels, labels]],
    // One pair of texts, not two texts.
    ['/predict', { inputs: [good, bad] }, labels],
    [
      '/similarity',
      { inputs: { source_sentence: good, sentences: [good, bad] } },
      [expect.closeTo(1), expect.any(Number)],
    ],
    [
      '/embed',
      { inputs: [good, bad], dimensions: 2 },
      [[expect.any(Number), expect.any(Number)], expect.any(Array)],
    ],
    ['/embed', { inputs: good }, [expect.any(Array)]],
  ])('%s of %j', async (path, body, answer) => {
    expect(await posted(path, body)).toEqual({ status: 200, body: answer });
  });

  test('/rerank answers the best first, with its place in the request', async () => {
    const { body } = await posted('/rerank', { query: good, texts: [bad, good] });
    expect(body).toEqual([
      { index: 1, score: expect.closeTo(1) },
      { index: 0, score: expect.any(Number) },
    ]);
  });

  test.each([
    ['/embed', {}],
    ['/embed', { inputs: [] }],
    ['/embed', { inputs: ['a'], dimensions: 'many' }],
    ['/embed', { inputs: Array.from({ length: 33 }, () => 'a') }],
    ['/predict', { inputs: [['a', 'b', 'c']] }],
    ['/similarity', { inputs: { source_sentence: 'a' } }],
    ['/rerank', { query: 'a', texts: [] }],
    ['/embed', { inputs: ['fine', '[[poison]]'] }],
  ])('%s refuses %j with 422', async (path, body) => {
    expect(await posted(path, body)).toEqual({
      status: 422,
      body: { error: expect.any(String), error_type: 'validation' },
    });
  });

  test('says of itself what it takes', async () => {
    await withEmulator({ task: 'text-classification' }, async ({ url }) => {
      const info = await (await fetch(`${url}/info`)).json();
      expect(info).toMatchObject({
        max_client_batch_size: 32,
        model_type: { classifier: expect.any(Object) },
      });
      expect((await fetch(`${url}/health`)).status).toBe(200);
    });
  });
});

describe('OpenAI', () => {
  test('vectors come in another order than the texts, and also as base64', async () => {
    const input = ['a good day', 'a bad day'];
    const { body: floats } = await posted('/v1/embeddings', { model: 'm', input });
    const { body: packed } = await posted('/v1/embeddings', { model: 'm', input, encoding_format: 'base64' });
    expect(floats.data.map(({ index }) => index)).toEqual([1, 0]);
    expect(Buffer.from(String(packed.data[0]!.embedding), 'base64').readFloatLE(4)).toBe(
      floats.data[0]!.embedding[1],
    );
  });

  test('a chat answers as many choices as were asked for', async () => {
    const messages = [{ role: 'user', content: 'Once upon' }];
    const { body } = await posted('/v1/chat/completions', { model: 'm', messages, n: 2, max_tokens: 5 });
    const said = body.choices.map(({ message }) => message.content);
    expect(said).toHaveLength(2);
    expect(new Set(said).size).toBe(2);
    for (const text of said) expect(text.split(' ')).toHaveLength(5);
  });

  test.each([
    ['/v1/embeddings', { input: 7 }, 400],
    ['/v1/embeddings', { input: [] }, 400],
    ['/v1/embeddings', { input: 'x', model: 'a/missing-one' }, 404],
    ['/v1/chat/completions', { messages: [] }, 400],
    ['/v1/chat/completions', { messages: [{ role: 'assistant', content: 'Hi' }] }, 400],
    ['/v1/chat/completions', { messages: [{ role: 'user', content: ['Hi'] }] }, 400],
  ])('%s refuses %j with %i', async (path, body, status) => {
    const error = { message: expect.any(String), type: expect.any(String), param: null, code: status };
    expect(await posted(path, body)).toEqual({ status, body: { error } });
  });

  test('tells its models', async () => {
    await withEmulator({}, async ({ url }) => {
      expect(await (await fetch(`${url}/v1/models`)).json()).toMatchObject({ data: [{ object: 'model' }] });
    });
  });
});

describe('an endpoint', () => {
  test.each(['/', '/any/path?key=1', '/v2/score'])('answers at %s', async (path) => {
    const answer = await posted(path, { inputs: ['a good day'] }, { task: 'text-classification' });
    expect(answer).toMatchObject({ status: 200, body: [[{ label: 'POSITIVE' }, {}]] });
  });
});

describe('every fault has the same meaning over every contract', () => {
  const classes: Record<Exclude<FaultKind, 'slow'>, Partial<CallFailure>> = {
    '400': { class: 'rejected' },
    '429': { class: 'throttled', retryAfterMs: 1000 },
    '500': { class: 'transient', kind: 'server' },
    '502': { class: 'transient', kind: 'server' },
    '503': { class: 'overloaded', kind: 'overloaded' },
    '504': { class: 'transient', kind: 'server' },
    reset: { class: 'transient', kind: 'reset' },
    truncated: { class: 'transient', kind: 'body' },
    html: { class: 'transient', kind: 'body' },
    error200: {
      class: 'transient',
      kind: 'body',
      message: 'an error in a successful answer: CUDA out of memory',
    },
    hang: { class: 'transient', kind: 'timeout' },
  };
  const faults = Object.keys(FAULTS).filter((kind) => kind !== 'slow') as Exclude<FaultKind, 'slow'>[];
  const asked = [
    ['endpoint', 'text-classification'],
    ['tei', 'text-classification'],
    ['tei', 'feature-extraction'],
    ['openai', 'feature-extraction'],
    ['openai', 'text-generation'],
  ] as const;

  test.each(asked.flatMap(([contract, task]) => faults.map((fault) => [contract, task, fault] as const)))(
    '%s %s %s',
    async (contract, task, fault) => {
      // The queue of text-embeddings-inference is full: it counts no requests.
      const isFull = contract === 'tei' && fault === '429';
      const failure = { ...classes[fault], ...(isFull ? { class: 'overloaded' } : undefined) };
      const outcome = await called(contract, task, { faults: { [fault]: 1 }, poison: 'never' });
      expect(outcome).toMatchObject({ ok: false, failure });
    },
  );

  test.each(asked)(
    '%s %s: a model that loads, and places that are taken, hold the endpoint',
    async (contract, task) => {
      const loading = await called(contract, task, { loadingS: 60 });
      expect(loading).toMatchObject({ ok: false, failure: { class: 'loading' } });
      expect(await called(contract, task, { places: 0 })).toMatchObject({
        ok: false,
        failure: { class: 'overloaded' },
      });
    },
  );
});
