import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { EmulatorOptions } from '../../src/emulator/emulator.ts';
import { spreadFaults } from '../../src/emulator/faults.ts';
import { json, scriptedServer } from '../backends/api/scripted-server.ts';
import { temporaryFolder } from '../temporary.ts';
import { withEmulator } from './emulated.ts';
import { sluice } from './sluice.ts';

/** Rows of the source; every 16th is one that the model refuses. */
const ROWS = 64;
const texts = Array.from({ length: ROWS }, (_, i) => `row ${i}${i % 16 === 3 ? ' [[poison]]' : ' is fine'}`);

interface Case {
  contract: string;
  task: string;
  /** After the server's address. */
  path?: string;
  parameters?: string;
  batchSize?: number | 'auto';
}

const embedding: readonly Case[] = [
  { contract: 'hf', task: 'feature-extraction', batchSize: 8 },
  { contract: 'endpoint', task: 'feature-extraction', path: '/my/embeddings', batchSize: 8 },
  { contract: 'tei', task: 'feature-extraction' },
  { contract: 'openai', task: 'feature-extraction', batchSize: 8 },
  {
    contract: 'openai',
    task: 'feature-extraction',
    path: '/v1',
    parameters: '{encoding_format: base64}',
    batchSize: 8,
  },
];
const classifying: readonly Case[] = [
  { contract: 'hf', task: 'text-classification', batchSize: 8 },
  { contract: 'endpoint', task: 'text-classification', path: '/score', batchSize: 8 },
  { contract: 'tei', task: 'text-classification' },
];
const writing: readonly Case[] = [
  { contract: 'hf', task: 'text-generation', parameters: '{return_full_text: false}' },
  { contract: 'openai', task: 'text-generation' },
];

function writeJob(
  folder: string,
  url: string,
  { contract, task, path = '', parameters, batchSize }: Case,
): void {
  writeFileSync(join(folder, 'rows.jsonl'), texts.map((text) => `${JSON.stringify({ text })}\n`).join(''));
  writeFileSync(
    join(folder, 'job.yaml'),
    `task: ${task}
model: acme/${task}
source: rows.jsonl
inputs: {text: text}
parameters: ${parameters ?? '{}'}
backend: {type: api, contract: ${contract}, url: "${url}${path}"}
limits: {concurrency: 4, timeout_s: 2${batchSize === undefined ? '' : `, batch_size: ${batchSize}`}}
retry: {base_delay_ms: 20, max_delay_ms: 200}
output: {path: out, format: jsonl, keep: [text]}
`,
  );
}

/** The rows that a run of the case writes. */
async function rowsOf(job: Case, options: EmulatorOptions = {}): Promise<Record<string, unknown>[]> {
  const folder = temporaryFolder();
  await withEmulator({ task: job.task, ...options }, async (emulator) => {
    writeJob(folder, emulator.url, job);
    expect(await sluice(folder, ['run', 'job.yaml'])).toMatchObject({ code: 0 });
    const { inputs, faults } = emulator.stats();
    expect(inputs.distinct).toBe(ROWS);
    // Beside the refused rows, which meet the fault 400.
    if (options.faults !== undefined) expect(Object.keys(faults).length).toBeGreaterThan(1);
  });
  return written(folder);
}

function written(folder: string): Record<string, unknown>[] {
  return readFileSync(join(folder, 'out/part-00000.jsonl'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
}

const title = ({ contract, task, parameters = '' }: Case) => `${contract} ${task} ${parameters}`.trim();
const every = [...embedding, ...classifying, ...writing].map((job) => [title(job), job] as const);

describe.each(every)('%s', (_, job) => {
  test('a batch with rows that are refused is halved until they stand alone; the others succeed', async () => {
    const rows = await rowsOf(job);
    expect(rows.map(({ text }) => text)).toEqual(texts);
    for (const { text, error } of rows) {
      if (String(text).includes('poison')) expect(error).toMatch(/\b4\d\d .*cannot read/);
      else expect(error).toBeNull();
    }
  });
});

/** One for each route that `promises.test.ts` does not fail on. */
const failing = [embedding[1]!, embedding[2]!, embedding[3]!, classifying[2]!, writing[1]!];

describe.each(failing.map((job) => [title(job), job] as const))('%s', (_, job) => {
  test('through a server that fails in all ways the rows are the same', async () => {
    const plain = (rows: Record<string, unknown>[]) => rows.map(({ error: _, ...row }) => row);
    const noisy = await rowsOf(job, { faults: spreadFaults(0.2), retryAfterS: 0, slowS: 0.1 });
    expect(plain(noisy)).toEqual(plain(await rowsOf(job)));
  });
});

describe('whichever contract answers, the rows are the same', () => {
  test.each([
    ['feature-extraction', embedding],
    ['text-classification', classifying],
  ])('%s', async (_, [first, ...others]) => {
    const fine = (rows: Record<string, unknown>[]) => rows.filter(({ error }) => error === null);
    const expected = fine(await rowsOf(first!));
    expect(expected).toHaveLength(ROWS - 4);
    for (const other of others) expect(fine(await rowsOf(other))).toEqual(expected);
  });
});

test.each([
  ['hf', (vectors: unknown[]) => vectors],
  ['tei', (vectors: unknown[]) => vectors],
  ['openai', (vectors: unknown[]) => ({ data: vectors.map((embedding) => ({ embedding })) })],
])('%s: an answer of the wrong length and a 413 are the guilty row’s alone', async (contract, answer) => {
  const sizes: number[] = [];
  await using server = await scriptedServer((response, { method, body }) => {
    if (method === 'GET') return json(response, {}, 404);
    const { inputs, input = inputs } = JSON.parse(body.toString());
    const asked: string[] = [input].flat();
    sizes.push(asked.length);
    const guilty = asked.filter((text) => text.includes('poison'));
    if (asked.length === 1 && guilty.length === 1) return json(response, { error: 'too large' }, 413);
    const vectors = asked.slice(guilty.length).map(() => [1, 2]);
    return json(response, answer(contract === 'hf' && asked.length === 1 ? vectors[0]! : vectors));
  });
  const folder = temporaryFolder();
  writeJob(folder, server.url, { contract, task: 'feature-extraction', batchSize: 16 });
  expect(await sluice(folder, ['run', 'job.yaml'])).toMatchObject({ code: 0 });
  for (const { text, embedding: vector, error } of written(folder)) {
    const isGuilty = String(text).includes('poison');
    expect([vector, error]).toEqual(isGuilty ? [null, expect.stringContaining('413')] : [[1, 2], null]);
  }
  // 16, and for one guilty row among them 8 + 8, 4 + 4, 2 + 2, 1 + 1.
  expect(sizes.filter((size) => size === 16)).toHaveLength(4);
  expect(sizes).toHaveLength(4 * 9);
});

test('tei: no request carries more texts than the server’s /info allows', async () => {
  const sizes: number[] = [];
  await using server = await scriptedServer((response, { method, body }) => {
    if (method === 'GET') return json(response, { max_client_batch_size: 5 });
    const { inputs } = JSON.parse(body.toString());
    sizes.push(inputs.length);
    return json(
      response,
      inputs.map(() => [1, 2]),
    );
  });
  const folder = temporaryFolder();
  writeJob(folder, server.url, { contract: 'tei', task: 'feature-extraction' });
  expect(await sluice(folder, ['run', 'job.yaml'])).toMatchObject({ code: 0 });
  expect(server.received[0]).toMatchObject({ method: 'GET', url: '/info' });
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(ROWS);
  expect(Math.max(...sizes)).toBe(5);
  // A second run has nothing to ask, not even what the server is.
  const before = server.received.length;
  expect(await sluice(folder, ['run', 'job.yaml'])).toMatchObject({ code: 0 });
  expect(server.received).toHaveLength(before);
});

test('tei: a re-ranker is asked to rank, by preview as by run', async () => {
  await using server = await scriptedServer((response, { method, body }) => {
    if (method === 'GET') return json(response, { model_type: { reranker: {} }, max_client_batch_size: 32 });
    const { query, texts: others } = JSON.parse(body.toString());
    return json(response, [
      { index: 1, score: 0.9 },
      { index: 0, score: query.length + others.length },
    ]);
  });
  const folder = temporaryFolder();
  const job = `task: sentence-similarity
source: rows.jsonl
inputs: {source_sentence: text, sentences: others}
backend: {contract: tei, url: "${server.url}"}
output: {path: out, format: jsonl}
`;
  writeFileSync(join(folder, 'job.yaml'), job);
  writeFileSync(join(folder, 'rows.jsonl'), '{"text": "a", "others": ["b", "c"]}\n');
  expect(await sluice(folder, ['preview', 'job.yaml'])).toMatchObject({ code: 0 });
  expect(await sluice(folder, ['run', 'job.yaml'])).toMatchObject({ code: 0 });
  expect(server.received.map(({ url }) => url)).toEqual(['/info', '/rerank', '/info', '/rerank']);
  expect(written(folder)).toEqual([{ scores: [3, 0.9], error: null }]);
});

test('tei: a server that says nothing of itself and takes fewer texts than 32 is still asked for all', async () => {
  await using server = await scriptedServer((response, { method, body }) => {
    if (method === 'GET') return json(response, { error: 'not here' }, 404);
    const { inputs } = JSON.parse(body.toString());
    if (inputs.length > 10) return json(response, { error: 'batch size', error_type: 'Validation' }, 422);
    return json(
      response,
      inputs.map(() => [1, 2]),
    );
  });
  const folder = temporaryFolder();
  writeJob(folder, server.url, { contract: 'tei', task: 'feature-extraction' });
  expect(await sluice(folder, ['run', 'job.yaml'])).toMatchObject({ code: 0 });
  expect(JSON.parse((await sluice(folder, ['status', 'out', '--json'])).stdout).ledger).toMatchObject({
    succeeded: ROWS,
  });
});

test('tei: a model that is no classifier ends the run at once, with nothing marked failed', async () => {
  await using server = await scriptedServer((response, { method }) => {
    if (method === 'GET') return json(response, { model_type: { embedding: { pooling: 'cls' } } });
    const error = 'Backend error: Model is not a classifier model';
    return json(response, { error, error_type: 'Backend' }, 424);
  });
  const folder = temporaryFolder();
  writeJob(folder, server.url, { contract: 'tei', task: 'text-classification' });
  const { code, stderr } = await sluice(folder, ['run', 'job.yaml']);
  expect(code).toBe(3);
  expect(stderr).toContain('not a classifier model');
  expect(JSON.parse((await sluice(folder, ['status', 'out', '--json'])).stdout).ledger).toMatchObject({
    failed: 0,
    pending: ROWS,
  });
});

test('check refuses a task that the contract does not serve, at the contract’s place, and sends nothing', async () => {
  await using server = await scriptedServer((response) => json(response, {}));
  const folder = temporaryFolder();
  writeJob(folder, server.url, { contract: 'tei', task: 'text-generation' });
  const { code, stderr } = await sluice(folder, ['check', 'job.yaml']);
  expect(code).toBe(2);
  expect(stderr).toMatch(/job\.yaml:6:\d+: contract tei does not serve text-generation/);
  expect(server.received).toEqual([]);
});
