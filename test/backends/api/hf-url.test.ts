import { describe, expect, test } from 'vitest';
import { HF_ROUTER_URL, hfUrl } from '../../../src/backends/api/hf-url.ts';

const router = 'https://router.huggingface.co/hf-inference';

describe('hfUrl', () => {
  test.each([
    // the router
    ['text-classification', 'o/m', HF_ROUTER_URL, `${router}/models/o/m`],
    ['text-classification', 'o/m', router, `${router}/models/o/m`],
    ['text-classification', 'o/m', `${router}/`, `${router}/models/o/m`],
    ['text-classification', 'gpt2', `${router}/models`, `${router}/models/gpt2`],
    ['feature-extraction', 'o/m', HF_ROUTER_URL, `${router}/models/o/m/pipeline/feature-extraction`],
    ['feature-extraction', 'o/m', router, `${router}/models/o/m/pipeline/feature-extraction`],
    ['sentence-similarity', 'o/m', router, `${router}/models/o/m/pipeline/sentence-similarity`],
    ['feature-extraction', 'o/m', `${router}/models/o/m`, `${router}/models/o/m/pipeline/feature-extraction`],
    [
      'feature-extraction',
      'o/m',
      `${router}/models/{model}/pipeline/{task}`,
      `${router}/models/o/m/pipeline/feature-extraction`,
    ],
    // servers that speak like it
    ['text-classification', 'o/m', 'http://127.0.0.1:8080', 'http://127.0.0.1:8080/models/o/m'],
    ['feature-extraction', 'o/m', 'http://127.0.0.1:8080', 'http://127.0.0.1:8080/models/o/m'],
    ['feature-extraction', 'o/m', 'http://127.0.0.1:8080/models/', 'http://127.0.0.1:8080/models/o/m'],
    [
      'feature-extraction',
      'o/m',
      'https://proxy.example/hf-inference',
      'https://proxy.example/hf-inference/models/o/m/pipeline/feature-extraction',
    ],
    ['object-detection', 'o/m', 'https://api.example/v2?key=1', 'https://api.example/v2/models/o/m?key=1'],
    // full URLs
    [
      'text-classification',
      'o/m',
      'https://api.example/models/other/one',
      'https://api.example/models/other/one',
    ],
    [
      'text-classification',
      'o/m',
      'https://api.example/pipeline/{task}/{model}',
      'https://api.example/pipeline/text-classification/o/m',
    ],
    [
      'text-classification',
      'o/m',
      'https://api.example/run?model={model}',
      'https://api.example/run?model=o/m',
    ],
    ['text-classification', undefined, 'https://endpoint.example', 'https://endpoint.example/'],
    ['feature-extraction', undefined, 'https://endpoint.example/embed', 'https://endpoint.example/embed'],
    // names that are not plain
    ['text-classification', 'o/m v1?#', 'http://h', 'http://h/models/o/m%20v1%3F%23'],
    ['feature-extraction', 'o/m+1', router, `${router}/models/o/m%2B1/pipeline/feature-extraction`],
  ])('%s of %s at %s', (task, model, base, url) => {
    expect(hfUrl(task, model, base).href).toBe(url);
  });

  test.each([
    ['no URL', 'localhost:8080'],
    ['no URL at all', 'hello'],
    ['another protocol', 'ftp://host'],
    ['credentials in the URL', 'https://user:secret@host'],
    ['a model that is missing', 'https://host/models/{model}'],
  ])('%s is refused before anything is sent', (_, base) => {
    expect(() => hfUrl('text-classification', undefined, base)).toThrow(
      expect.objectContaining({
        code: 'BACKEND_URL',
        exit: 2,
        message: expect.not.stringContaining('secret'),
      }),
    );
  });
});
