import { describe, expect, test } from 'vitest';
import { errorIn, wordsOf } from '../../../src/backends/api/errors-in-body.ts';

describe('wordsOf finds the words in', () => {
  test.each([
    ['a string', '{"error":"overloaded"}', 'overloaded'],
    [
      'a list',
      '{"error":["Error in `inputs.context`: field required","and more"]}',
      'Error in `inputs.context`: field required; and more',
    ],
    ['an object', '{"error":{"message":"Rate limit reached","type":"requests"}}', 'Rate limit reached'],
    ['a list of objects', '{"errors":[{"message":"one"},{"message":"two"}]}', 'one; two'],
    ['a detail', '{"detail":"Not Found"}', 'Not Found'],
    ['the details of FastAPI', '{"detail":[{"loc":["body"],"msg":"field required"}]}', 'field required'],
    ['a message', '{"message":"Forbidden"}', 'Forbidden'],
    [
      'a description, rather than its code',
      '{"error":"invalid_token","error_description":"The token expired"}',
      'The token expired',
    ],
    ['a JSON string', '"busy"', 'busy'],
    ['plain text', ' upstream connect error\n', 'upstream connect error'],
    ['the title of a page', '<!DOCTYPE html><html><head><title>502 Bad\n Gateway</title>', '502 Bad Gateway'],
    ['the heading of a page', '<html><body><h1>Oops</h1>', 'Oops'],
    ['a page without either', '<html></html>', 'an HTML page'],
    ['unknown JSON', '{"code":7}', '{"code":7}'],
    ['nothing', '', ''],
  ])('%s', (_, body, words) => {
    expect(wordsOf(body)).toBe(words);
  });

  test('a text without end, cut short', () => {
    expect(wordsOf('x'.repeat(10_000)).length).toBeLessThan(600);
  });
});

test('brackets nested beyond the stack are no words', () => {
  const body = `{"error":${'['.repeat(100_000)}${']'.repeat(100_000)}}`;
  expect(wordsOf(body)).toMatch(/^\{"error":\[{3}/);
});

describe('errorIn', () => {
  test.each([
    [{ error: 'no' }, 'no'],
    [{ error: { message: 'no' } }, 'no'],
    [{ errors: [{ message: 'no' }] }, 'no'],
    [{ error: null, label: 'x' }, undefined],
    [{ message: 'a field of an answer' }, undefined],
    [[{ label: 'x', score: 1 }], undefined],
    ['text', undefined],
  ])('%j: %s', (value, words) => {
    expect(errorIn(value)).toBe(words);
  });
});
