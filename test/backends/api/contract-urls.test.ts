import { describe, expect, test } from 'vitest';
import { contracts } from '../../../src/backends/api/contracts.ts';
import { findTask } from '../../../src/tasks/index.ts';

const { endpoint, openai, tei } = contracts;
const urlOf = (contract: keyof typeof contracts, task: string, base: string, model?: string) =>
  contracts[contract].urlFor(findTask(task)!, model, base).href;

describe('a request goes to', () => {
  test.each([
    ['endpoint', 'text-classification', 'https://e.example', 'https://e.example/'],
    ['endpoint', 'feature-extraction', 'https://e.example/a/b?key=1', 'https://e.example/a/b?key=1'],
    [
      'endpoint',
      'feature-extraction',
      'https://e.example/{task}/{model}',
      'https://e.example/feature-extraction/o/m',
    ],
    ['tei', 'feature-extraction', 'http://h:8080', 'http://h:8080/embed'],
    ['tei', 'text-classification', 'http://h:8080/', 'http://h:8080/predict'],
    ['tei', 'sentence-similarity', 'http://h/deep/down/', 'http://h/deep/down/similarity'],
    ['tei', 'sentence-similarity', 'http://h/rerank', 'http://h/similarity'],
    ['tei', 'feature-extraction', 'http://h/{model}?v=2', 'http://h/o/m/embed?v=2'],
    ['openai', 'feature-extraction', 'http://h:8000', 'http://h:8000/v1/embeddings'],
    ['openai', 'feature-extraction', 'http://h:8000/v1/', 'http://h:8000/v1/embeddings'],
    ['openai', 'conversational', 'http://h/api/v3', 'http://h/api/v3/chat/completions'],
    ['openai', 'text-generation', 'http://h/proxy', 'http://h/proxy/v1/chat/completions'],
    ['openai', 'text-generation', 'http://h/x/chat/completions?v=2', 'http://h/x/chat/completions?v=2'],
  ] as const)('%s %s at %s: %s', (contract, task, base, url) => {
    expect(urlOf(contract, task, base, 'o/m')).toBe(url);
  });

  test.each([
    ['tei', 'feature-extraction', 'http://h/predict'],
    ['openai', 'conversational', 'http://h/v1/embeddings'],
    ['endpoint', 'conversational', 'http://h/{model}'],
    ['endpoint', 'conversational', 'https://user:secret@h'],
    ['tei', 'feature-extraction', 'h:8080'],
  ] as const)('nowhere, for %s %s at %s', (contract, task, base) => {
    const error = { code: 'BACKEND_URL', exit: 2, message: expect.not.stringContaining('secret') };
    expect(() => urlOf(contract, task, base)).toThrow(expect.objectContaining(error));
  });
});

describe('tei, by what /info says', () => {
  const similarity = findTask('sentence-similarity')!;
  const embed = findTask('feature-extraction')!;
  const { about } = tei;

  test.each([
    ['http://h:8080/', 'http://h:8080/info'],
    ['https://h/tei/embed', 'https://h/tei/info'],
  ])('which stands for %s at %s', (base, url) => {
    expect(about!.urlFor(embed, undefined, base).href).toBe(url);
  });

  test('a request carries no more texts than the server takes', () => {
    expect(about!.informed({ max_client_batch_size: 8 }).maxBatch(embed)).toBe(8);
    expect(about!.informed({ max_client_batch_size: 8 }).maxBatch(similarity)).toBe(1);
  });

  test.each([[null], ['up'], [[]], [{}], [{ max_client_batch_size: 0, model_type: 'embedding' }]])(
    '%j says nothing, and changes nothing',
    (told) => {
      const informed = about!.informed(told);
      expect(informed.maxBatch(embed)).toBe(tei.maxBatch(embed));
      expect(informed.urlFor(similarity, undefined, 'http://h').pathname).toBe('/similarity');
    },
  );

  test('a re-ranker is asked to rank', () => {
    const informed = about!.informed({ model_type: { reranker: {} } });
    expect(informed.urlFor(similarity, undefined, 'http://h/similarity').href).toBe('http://h/rerank');
  });
});

test('rows share a request only where the contract has a list for them', () => {
  const batches = (contract: typeof endpoint, name: string) => contract.maxBatch(findTask(name)!) > 1;
  expect(batches(endpoint, 'text-classification')).toBe(true);
  expect(batches(endpoint, 'question-answering')).toBe(false);
  expect(batches(openai, 'feature-extraction')).toBe(true);
  expect(batches(openai, 'text-generation')).toBe(false);
  expect(batches(tei, 'sentence-similarity')).toBe(false);
});
