import { describe, expect, test } from 'vitest';
import { isPlain, lineProblem, mayHaveBigIntegers } from '../../src/sources/json-line.ts';

function problem(line: string | Uint8Array): string | undefined {
  const bytes = Buffer.from(line);
  return lineProblem(bytes, isPlain(bytes));
}

describe('lines that must not reach DuckDB', () => {
  test.each([
    ['{"a":1,}', /not valid JSON/],
    ['{"a":[1, ]}', /not valid JSON/],
    ['{"a":NaN}', /not valid JSON/],
    ['{"a": -Infinity}', /not valid JSON/],
    ['{"a":[1,nan]}', /not valid JSON/],
    ['[1]', /not a JSON object: \[1\]/],
    [' 5', /not a JSON object/],
    ['"x"', /not a JSON object/],
    [`{"a":${'['.repeat(600)}${']'.repeat(600)}}`, /deeper than 512/],
    [`{"a":${'['.repeat(600)}`, /deeper than 512/],
  ])('%s', (line, expected) => {
    expect(problem(line)).toMatch(expected);
  });

  test('text that is not UTF-8 is told with its first wrong byte', () => {
    expect(problem(Buffer.from('{"a":"caf\xe9"}', 'latin1'))).toBe('not UTF-8: byte 0xe9 at place 10');
    expect(problem(Buffer.concat([Buffer.from('{"a":"é'), Buffer.of(0xc3)]))).toMatch(/byte 0xc3 at place 9/);
  });
});

describe('lines that only look like it', () => {
  test.each([
    '{"a":",}"}',
    '{"a":"x: NaN, inf"}',
    '{"a":null,"b":[null]}',
    '  {"a":1}',
    `{"a":"${'['.repeat(600)}"}`,
    `{"a":[${'[],'.repeat(600)}[]]}`,
    '{"a":"\\"[{"}',
    '{"inf":1}',
  ])('%s', (line) => {
    expect(problem(line)).toBeUndefined();
  });
});

test.each([
  ['{"a":1234567890123456789}', true],
  ['{"a":[-9223372036854775809]}', true],
  ['{"a":123456789012345678}', false],
  ['{"a":0.12345678901234567890}', false],
  ['{"a":12345678901234567890.5}', false],
  ['{"a":"id12345678901234567890"}', false],
])('integers that may be too big are seen: %s', (line, expected) => {
  expect(mayHaveBigIntegers(Buffer.from(line))).toBe(expected);
});
