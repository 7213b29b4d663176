import { describe, expect, test } from 'vitest';
import { featureExtraction as task } from '../../src/tasks/feature-extraction.ts';
import { DecodeError, excerptOf } from '../../src/tasks/task.ts';

const vector = (...numbers: number[]) => Float32Array.from(numbers);

describe('feature-extraction decodes', () => {
  test.each([
    ['a vector', [1, 2], {}, vector(1, 2)],
    ['a nested vector', [[1, 2]], {}, vector(1, 2)],
    ['a vector nested twice', [[[1, 2]]], {}, vector(1, 2)],
    [
      'vectors of tokens, to their mean',
      [
        [1, 2],
        [3, 6],
      ],
      {},
      vector(2, 4),
    ],
    [
      'nested vectors of tokens',
      [
        [
          [1, 2],
          [3, 6],
        ],
      ],
      { pooling: 'mean' },
      vector(2, 4),
    ],
    [
      'vectors of tokens, to the first',
      [
        [1, 2],
        [3, 6],
      ],
      { pooling: 'cls' },
      vector(1, 2),
    ],
    ['a pooled vector whatever the pooling', [1, 2], { pooling: 'cls' }, vector(1, 2)],
    ['a pooled vector that the server did not scale', [3, 4], { normalize: true }, vector(0.6, 0.8)],
    [
      'the mean, scaled after pooling',
      [
        [6, 4],
        [0, 4],
      ],
      { normalize: true },
      vector(0.6, 0.8),
    ],
    [
      'a scaled vector, with the exact numbers of the server',
      [0.6001, 0.8],
      { normalize: true },
      vector(0.6001, 0.8),
    ],
    ['a zero vector', [0, 0], { normalize: true }, vector(0, 0)],
  ])('%s', (_, answer, parameters, embedding) => {
    expect(task.decode(answer, parameters)).toEqual({ embedding });
  });

  test.each([
    [
      'all tokens',
      [
        [1, 2],
        [3, 6],
      ],
      { pooling: 'none' },
      [vector(1, 2), vector(3, 6)],
    ],
    [
      'nested tokens',
      [
        [
          [1, 2],
          [3, 6],
        ],
      ],
      { pooling: 'none' },
      [vector(1, 2), vector(3, 6)],
    ],
    [
      'scaled tokens',
      [
        [3, 4],
        [0, 2],
      ],
      { pooling: 'none', normalize: true },
      [vector(0.6, 0.8), vector(0, 1)],
    ],
    ['a pooled vector as a list of one', [1, 2], { pooling: 'none' }, [vector(1, 2)]],
  ])('%s without pooling', (_, answer, parameters, embeddings) => {
    expect(task.decode(answer, parameters)).toEqual({ embeddings });
  });
});

describe('feature-extraction refuses', () => {
  test.each([
    ['nothing', []],
    ['an empty vector', [[]]],
    ['null', null],
    ['an object', { embedding: [1] }],
    ['ragged vectors', [[1, 2], [3]]],
    ['numbers beside vectors', [1, [2]]],
    ['vectors beside numbers', [[1], 2]],
    ['numbers as strings', ['1', '2']],
    ['null among the numbers', [1, null]],
    ['a number too large for 32 bits', [1, 1e39]],
    [
      'two unpooled answers',
      [
        [[1], [2]],
        [[1], [2]],
      ],
    ],
    ['four dimensions', [[[[1]]]]],
  ])('%s', (_, answer) => {
    expect(() => task.decode(answer, {})).toThrow(DecodeError);
  });
});

test('the column is a list of vectors only without pooling', () => {
  expect(String(task.columns({})[0]!.type)).toBe('FixedSizeList[0]<Float32>');
  expect(task.columns({})[0]!.name).toBe('embedding');
  expect(task.columns({ pooling: 'none' })[0]!.name).toBe('embeddings');
});

describe('feature-extraction emulates', () => {
  const embed = (text: string, parameters = {}) => task.emulate({ text }, parameters) as number[];
  const similarity = (a: string, b: string) => embed(a).reduce((sum, x, i) => sum + x * embed(b)[i]!, 0);

  test('unit vectors of 384 numbers, the same for the same text', () => {
    expect(embed('')).toHaveLength(384);
    expect(similarity('', '')).toBeCloseTo(1);
    expect(embed('a cat')).toEqual(embed('A cat!'));
  });

  test('texts that share words near each other', () => {
    expect(similarity('the black cat sleeps', 'a black cat sleeps')).toBeGreaterThan(0.6);
    expect(similarity('the black cat sleeps', 'stock markets fell on Monday')).toBeLessThan(0.3);
  });

  test('as many numbers as asked for', () => {
    expect(embed('x', { dimensions: 64 })).toHaveLength(64);
  });
});

test('an excerpt shows floats as JSON numbers, as short as they can be read back', () => {
  const floats = Float32Array.of(0.1, -0, 1 / 3, 2 ** -149, 16777216);
  expect(excerptOf([floats])).toBe('[[0.1,0,0.33333334,1.4013e-45,16777216]]');
});
