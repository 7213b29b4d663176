import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { hf } from '../../../src/backends/api/hf.ts';
import { ApiBackend } from '../../../src/backends/api/http.ts';
import type { ApiBackendOptions } from '../../../src/backends/api/http.ts';
import type { CallOptions, CallOutcome, Question } from '../../../src/backends/backend.ts';
import { findTask } from '../../../src/tasks/index.ts';
import { json, scriptedServer } from './scripted-server.ts';
import type { Script } from './scripted-server.ts';

const TOKEN = 'hf_ThisMustNotBeSeen';
const ANSWER = [[{ label: 'POSITIVE', score: 0.9 }]];
const question: Question = { inputs: { text: 'good' }, parameters: {} };

const opened: ApiBackend[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((backend) => backend.close()));
  vi.restoreAllMocks();
});

function backendAt(url: string, options: Partial<ApiBackendOptions> = {}): ApiBackend {
  const task = findTask('text-classification')!;
  const backend = new ApiBackend({
    contract: hf,
    task,
    model: 'o/m',
    url,
    token: TOKEN,
    useCache: true,
    ...options,
  });
  opened.push(backend);
  return backend;
}

function ask(backend: ApiBackend, options: Partial<CallOptions> = {}): Promise<CallOutcome> {
  return backend.call([question], { waitForModel: false, timeoutMs: 10_000, ...options });
}

async function outcomeOf(script: Script, options: Partial<CallOptions> = {}): Promise<CallOutcome> {
  await using server = await scriptedServer(script);
  return await ask(backendAt(server.url), options);
}

describe('a request', () => {
  test('carries the token, the version and nothing compressed', async () => {
    await using server = await scriptedServer((response) =>
      json(response, ANSWER, 200, { 'x-request-id': 'r1' }),
    );
    const outcome = await ask(backendAt(server.url, { headers: { 'X-HF-Bill-To': 'org' } }));
    expect(outcome).toEqual({ ok: true, answers: [ANSWER], status: 200, requestId: 'r1' });
    const [got] = server.received;
    expect(got).toMatchObject({ method: 'POST', url: '/models/o/m' });
    expect(got?.headers).toMatchObject({
      authorization: `Bearer ${TOKEN}`,
      'user-agent': expect.stringMatching(/^sluice\/\d/),
      'content-type': 'application/json',
      'accept-encoding': 'identity',
      'x-hf-bill-to': 'org',
    });
    expect(got?.body.toString()).toBe('{"inputs":"good"}');
  });

  test('without a token carries no authorization', async () => {
    await using server = await scriptedServer((response) => json(response, ANSWER));
    await ask(backendAt(server.url, { token: '' }));
    expect(server.received[0]?.headers).not.toHaveProperty('authorization');
  });

  test.each([
    ['a token with a line break', { token: 'hf_a\nb' }],
    ['a header that HTTP sets itself', { headers: { 'Content-Length': '3' } }],
    ['a header name with a blank', { headers: { 'x y': '3' } }],
  ])('with %s is refused before anything is sent, without showing the value', (_, options) => {
    expect(() => backendAt('http://127.0.0.1:9', options)).toThrow(
      expect.objectContaining({
        code: 'BACKEND_HEADER',
        exit: 2,
        message: expect.not.stringContaining('hf_a'),
      }),
    );
  });
});

describe('connections', () => {
  test('are reused, also after failures: every body is read', async () => {
    let n = 0;
    await using server = await scriptedServer((response) => {
      n += 1;
      if (n % 2 === 0) json(response, { error: 'x'.repeat(200_000) }, 500);
      else json(response, ANSWER);
    });
    const backend = backendAt(server.url);
    for (let i = 0; i < 20; i++) await ask(backend);
    expect(server.received).toHaveLength(20);
    expect(server.connections()).toBe(1);
  });

  test('are as many as calls in flight', async () => {
    await using server = await scriptedServer((response) => setImmediate(() => json(response, ANSWER)));
    const backend = backendAt(server.url);
    const inTurn = async () => {
      for (let i = 0; i < 10; i++) expect(await ask(backend)).toMatchObject({ ok: true });
    };
    await Promise.all(Array.from({ length: 4 }, inTurn));
    expect(server.received).toHaveLength(40);
    expect(server.connections()).toBe(4);
  });

  test('that the server closed in the moment of writing cost no attempt', async () => {
    // The server's first connection answers once; whatever comes on it later meets a reset.
    let connections = 0;
    const server = createServer((socket) => {
      connections += 1;
      const mine = connections;
      let requests = 0;
      socket.on('error', () => socket.destroy());
      socket.on('data', () => {
        requests += 1;
        if (mine === 1 && requests > 1) socket.resetAndDestroy();
        else socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n[]');
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const backend = backendAt(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    try {
      expect(await ask(backend)).toMatchObject({ ok: true });
      const real = performance.now.bind(performance);
      vi.spyOn(performance, 'now').mockImplementation(() => real() + 1000);
      expect(await ask(backend)).toMatchObject({ ok: true });
      expect(connections).toBe(2);
    } finally {
      await backend.close();
      await new Promise((resolve) => server.close(resolve));
    }
  });

  test('that the server closes after each answer without a word cost no attempt', async () => {
    await using server = await scriptedServer((response, _, socket) => {
      json(response, ANSWER);
      response.on('finish', () => socket.end());
    });
    const backend = backendAt(server.url);
    for (let i = 0; i < 50; i++) expect(await ask(backend)).toMatchObject({ ok: true });
  });

  test('that are closed in place of an answer count, also where they had answered before', async () => {
    let n = 0;
    await using server = await scriptedServer((response, _, socket) => {
      n += 1;
      if (n === 1) json(response, ANSWER);
      else socket.end();
    });
    const backend = backendAt(server.url);
    await ask(backend);
    expect(await ask(backend)).toMatchObject({ ok: false, failure: { class: 'transient', kind: 'reset' } });
    expect(server.received).toHaveLength(3);
  });

  test('that are lost while busy count, so that the scheduler slows down', async () => {
    let n = 0;
    await using server = await scriptedServer((response, _, socket) => {
      n += 1;
      if (n === 1) json(response, ANSWER);
      else socket.resetAndDestroy();
    });
    const backend = backendAt(server.url);
    await ask(backend);
    expect(await ask(backend)).toMatchObject({ ok: false, failure: { class: 'transient', kind: 'reset' } });
    expect(server.received).toHaveLength(2);
  });
});

describe('an attempt', () => {
  test('ends after its time, also where the answer trickles', async () => {
    const trickle: Script = (response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      const timer = setInterval(() => response.write(' '), 5);
      response.on('close', () => clearInterval(timer));
    };
    expect(await outcomeOf(trickle, { timeoutMs: 100 })).toMatchObject({
      ok: false,
      failure: { class: 'transient', kind: 'timeout', status: 200, message: 'no whole answer within 0.1 s' },
    });
  });

  test('that gets no answer at all ends after its time, and its connection is closed', async () => {
    let closed: () => void = () => undefined;
    const closing = new Promise<void>((resolve) => {
      closed = resolve;
    });
    const silent: Script = (_, __, socket) => void socket.on('close', closed);
    await using server = await scriptedServer(silent);
    expect(await ask(backendAt(server.url), { timeoutMs: 50 })).toMatchObject({
      failure: { kind: 'timeout' },
    });
    await closing;
  });

  test('ends when its signal aborts, before or after it was sent', async () => {
    await using server = await scriptedServer(() => controller.abort());
    const controller = new AbortController();
    const backend = backendAt(server.url);
    const aborted = { ok: false, failure: { class: 'aborted', kind: 'aborted', message: 'stopped' } };
    const both = await Promise.all([1, 2].map(() => ask(backend, { signal: controller.signal })));
    expect(both).toEqual([aborted, aborted]);
    expect(await ask(backend, { signal: controller.signal })).toEqual(aborted);
    expect(server.received.length).toBeLessThanOrEqual(2);
  });

  test('in flight ends as aborted when the backend is closed', async () => {
    let arrived: () => void = () => undefined;
    const arriving = new Promise<void>((resolve) => {
      arrived = resolve;
    });
    await using server = await scriptedServer(() => arrived());
    const backend = backendAt(server.url);
    const outcome = ask(backend);
    await arriving;
    await backend.close();
    expect(await outcome).toMatchObject({ failure: { class: 'aborted' } });
  });
});

describe('a failure', () => {
  test('of a server that is not there is a refusal', async () => {
    const server = await scriptedServer(() => undefined);
    await server[Symbol.asyncDispose]();
    expect(await ask(backendAt(server.url))).toMatchObject({
      failure: { class: 'overloaded', kind: 'refused' },
    });
  });

  test('of an answer that breaks off is told from a reset', async () => {
    const torn: Script = (response, _, socket) => {
      response.writeHead(200, { 'content-length': 1000 });
      response.write('[[{"label":', () => socket.destroySoon());
    };
    expect(await outcomeOf(torn)).toMatchObject({
      failure: { class: 'transient', kind: 'body', status: 200 },
    });
  });

  test('of an answer in chunks that breaks off likewise', async () => {
    const torn: Script = (response, _, socket) =>
      void response.write('[[{"label":', () => socket.destroySoon());
    expect(await outcomeOf(torn)).toMatchObject({
      failure: { class: 'transient', kind: 'body', status: 200 },
    });
  });

  test('of an answer without end leaves the memory alone', async () => {
    await using server = await scriptedServer((response) => {
      const chunk = Buffer.alloc(65_536, 0x20);
      const more = () => {
        while (!response.destroyed && response.write(chunk));
      };
      response.on('drain', more);
      more();
    });
    const backend = backendAt(server.url, { maxAnswerBytes: 1_000_000 });
    expect(await ask(backend)).toMatchObject({ failure: { class: 'rejected', kind: 'too_large' } });
  });

  test('of a server that does not speak HTTP is an unusable body', async () => {
    await using server = await scriptedServer((_, __, socket) => void socket.end('SSH-2.0-OpenSSH_9.2\r\n'));
    expect(await ask(backendAt(server.url))).toMatchObject({ failure: { class: 'transient', kind: 'body' } });
  });

  test('of TLS, where the server speaks none, says so at once', async () => {
    await using server = await scriptedServer((response) => json(response, ANSWER));
    expect(await ask(backendAt(server.url.replace('http:', 'https:')))).toMatchObject({
      failure: {
        class: 'fatal',
        message: 'no secure connection: what answers there does not speak TLS',
        next: expect.stringContaining('http://'),
      },
    });
  });
});

describe('the token', () => {
  test('does not follow a redirect to another origin', async () => {
    await using elsewhere = await scriptedServer((response) => json(response, ANSWER));
    await using server = await scriptedServer((response) =>
      response.writeHead(307, { location: `${elsewhere.url}/models/o/m` }).end(),
    );
    expect(await ask(backendAt(server.url))).toMatchObject({
      failure: { class: 'fatal', status: 307, message: expect.stringContaining(elsewhere.url) },
    });
    expect(elsewhere.received).toHaveLength(0);
  });

  test.each<[string, Script]>([
    [
      'an error',
      (response, { headers }) => json(response, { error: `who is ${headers.authorization}?` }, 401),
    ],
    [
      'an error of plain text',
      (response, { headers }) => void response.writeHead(500).end(JSON.stringify(headers)),
    ],
    [
      'a redirect',
      (response, { headers }) =>
        void response.writeHead(302, { location: `/?t=${headers.authorization}` }).end(),
    ],
    ['an answer', (response, { headers }) => json(response, [{ label: headers.authorization, score: 1 }])],
    ['an answer that is none', (response, { headers }) => void response.end(String(headers.authorization))],
    ...[200, 400].map((status): [string, Script] => [
      `the request id of a ${status}`,
      (response, { headers }) => {
        response.setHeader('x-request-id', `for ${headers.authorization}`);
        json(response, ANSWER, status);
      },
    ]),
  ])('that a server echoes in %s is blotted out', async (_, script) => {
    const outcome = JSON.stringify(await outcomeOf(script));
    expect(outcome).toContain('***');
    expect(outcome).not.toContain(TOKEN);
  });

  test('is not in a preview, nor are other credentials', () => {
    const preview = backendAt('http://127.0.0.1:9', {
      headers: { 'X-Api-Key': 'k-123', 'X-Team': 'red' },
    }).preview([question]);
    expect(preview).not.toMatch(/hf_|k-123/);
    expect(preview).toContain('POST http://127.0.0.1:9/models/o/m');
    expect(preview).toContain('x-team: red');
    expect(preview).toContain('{"inputs":"good"}');
  });
});

test('a short word that stands for no token is not taken for one in answers', async () => {
  await using server = await scriptedServer((response) =>
    json(response, [{ label: 'EMPTY none', score: 1 }]),
  );
  const backend = backendAt(server.url, { token: 'none', headers: { 'x-monkey': 'EMPTY' } });
  expect(await ask(backend)).toMatchObject({ ok: true, answers: [[{ label: 'EMPTY none', score: 1 }]] });
});

test('a key in the URL is sent, and neither shown nor kept', async () => {
  await using server = await scriptedServer(
    (response, { url }) => void response.writeHead(400).end(`no: ${url}`),
  );
  const backend = backendAt(`${server.url}/models/{model}?api_key=k-0123456789&v=2`);
  expect(backend.preview([question])).toMatch(/\?api_key=\*\*\*&v=2/);
  expect(JSON.stringify(await ask(backend))).not.toContain('k-0123456789');
  expect(server.received[0]?.url).toContain('api_key=k-0123456789');
});

describe('an answer that is compressed although nobody asked for that', () => {
  const body = JSON.stringify(ANSWER);
  test.each([
    ['gzip', gzipSync(body)],
    ['deflate', deflateSync(body)],
    ['br', brotliCompressSync(body)],
    ['gzip, br', brotliCompressSync(gzipSync(body))],
    ['identity', Buffer.from(body)],
  ])('as %s is read', async (encoding, compressed) => {
    const script: Script = (response) =>
      void response.writeHead(200, { 'content-encoding': encoding }).end(compressed);
    expect(await outcomeOf(script)).toMatchObject({ ok: true, answers: [ANSWER] });
  });

  test.each([
    ['gzip', gzipSync(body).subarray(0, 20), 'no whole gzip'],
    ['zebra', Buffer.from(body), 'compressed as zebra'],
    ['toString', Buffer.from(body), 'compressed as tostring'],
  ])('as %s and cannot be read is an unusable body', async (encoding, compressed, words) => {
    const script: Script = (response) =>
      void response.writeHead(200, { 'content-encoding': encoding }).end(compressed);
    expect(await outcomeOf(script)).toMatchObject({
      failure: { class: 'transient', kind: 'body', status: 200, message: expect.stringContaining(words) },
    });
  });

  test('and would fill the memory is refused', async () => {
    await using server = await scriptedServer(
      (response) =>
        void response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(Buffer.alloc(2_000_000))),
    );
    expect(await ask(backendAt(server.url, { maxAnswerBytes: 1_000_000 }))).toMatchObject({
      failure: { class: 'rejected', kind: 'too_large' },
    });
  });

  test('keeps its status and its words where it is a refusal', async () => {
    const script: Script = (response) =>
      void response.writeHead(401, { 'content-encoding': 'gzip' }).end(gzipSync('{"error":"who are you"}'));
    expect(await outcomeOf(script)).toMatchObject({
      failure: { class: 'fatal', message: '401 who are you' },
    });
  });
});

test('a hundred calls under one signal warn of no leak', async () => {
  const warned = vi.fn();
  process.on('warning', warned);
  await using server = await scriptedServer((response) => json(response, ANSWER));
  const backend = backendAt(server.url);
  const { signal } = new AbortController();
  await Promise.all(Array.from({ length: 100 }, () => ask(backend, { signal })));
  process.off('warning', warned);
  expect(warned).not.toHaveBeenCalled();
});
