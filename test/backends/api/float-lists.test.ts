import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { endpoint } from '../../../src/backends/api/endpoint.ts';
import { floatListsIn } from '../../../src/backends/api/float-lists.ts';
import { hf } from '../../../src/backends/api/hf.ts';
import { tei } from '../../../src/backends/api/tei.ts';
import { featureExtraction } from '../../../src/tasks/feature-extraction.ts';

/** What the text is as JSON, every number rounded to 32 bits. */
function expected(text: string): unknown {
  const single = (value: unknown): unknown =>
    Array.isArray(value)
      ? value.every((item) => typeof item === 'number')
        ? Float32Array.from(value)
        : value.map(single)
      : value;
  return single(JSON.parse(text));
}

const read = (text: string) => floatListsIn(Buffer.from(text));

/** A number as JSON may have it, of any length. */
const digits = (least: number, most: number) =>
  fc.array(fc.nat(9), { minLength: least, maxLength: most, size: 'max' }).map((each) => each.join(''));
const whole = fc.oneof(
  fc.constant('0'),
  fc.tuple(fc.integer({ min: 1, max: 9 }), digits(1, 40)).map(([first, rest]) => `${first}${rest}`),
  fc.nat().map(String),
);
const written = fc
  .tuple(
    fc.constantFrom('', '-'),
    whole,
    fc.oneof(
      fc.constant(''),
      digits(1, 60).map((fraction) => `.${fraction}`),
      fc.tuple(fc.nat(50), digits(1, 25)).map(([zeros, rest]) => `.${'0'.repeat(zeros)}${rest}`),
    ),
    fc.oneof(
      fc.constant(''),
      fc
        .tuple(fc.constantFrom('e', 'E'), fc.constantFrom('', '+', '-'), fc.nat(50), fc.nat(3))
        .map(([e, sign, exponent, zeros]) => `${e}${sign}${'0'.repeat(zeros)}${exponent}`),
    ),
  )
  .map((parts) => parts.join(''));
const printed = fc
  .oneof(
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.float({ noNaN: true, noDefaultInfinity: true }),
  )
  .map((number) => JSON.stringify(number));
const fits = (text: string) => Number.isFinite(Math.fround(Number(text)));
const number = fc.oneof(written, printed).filter(fits);

const blank = fc.constantFrom('', '', '', ' ', '\n', '\t\r ');

/** Vectors of numbers with blanks anywhere, nested to one depth; ragged. */
function lists(depth: number): fc.Arbitrary<string> {
  const items = fc.array(fc.tuple(blank, depth === 1 ? number : lists(depth - 1), blank), {
    minLength: 1,
    maxLength: depth === 1 ? 20 : 4,
  });
  return fc.tuple(blank, items, blank).map(([before, all, after]) => {
    return `${before}[${all.map((parts) => parts.join('')).join(',')}]${after}`;
  });
}

describe('numbers', () => {
  test('are to the bit what JSON.parse and rounding to 32 bits make of them, however they are written', () => {
    fc.assert(
      fc.property(number, (text) => {
        const [float] = read(`[${text}]`) as Float32Array;
        expect([text, float]).toStrictEqual([text, Math.fround(JSON.parse(text) as number)]);
      }),
      { numRuns: 20_000 },
    );
  });

  test('that lie half-way between two floats, or next to it, are rounded as the double is', () => {
    const bits = new Uint32Array(1);
    const float = new Float32Array(bits.buffer);
    fc.assert(
      fc.property(fc.nat(0x7f7ffffe), fc.integer({ min: -3, max: 3 }), fc.nat(20), (below, units, extra) => {
        bits[0] = below;
        const lower = float[0]!;
        bits[0] = below + 1;
        // Exact in a double; then some units of the double's last place away.
        const middle = new BigInt64Array(Float64Array.of((lower + float[0]!) / 2).buffer);
        middle[0] = middle[0]! + BigInt(units);
        const [double] = new Float64Array(middle.buffer);
        if (!fits(String(double)) || double! < 0) return;
        for (const text of [
          String(double),
          double!.toExponential(17 + (extra % 4)),
          double!.toPrecision(21 + extra),
        ]) {
          expect([text, ...(read(`[${text}]`) as Float32Array)]).toStrictEqual([
            text,
            Math.fround(Number(text)),
          ]);
        }
      }),
      { numRuns: 5_000 },
    );
  });

  test.each([
    '0',
    '-0',
    '-0.0e-0',
    '1e-45',
    '7e-46',
    '7.1e-46',
    '-1.401298464324817e-45',
    '1.1754943508222875e-38',
    '3.4028234663852886e38',
    '3.40282356e38',
    '0.03125746175646782',
    '9007199254740993',
    '16777217',
    '16777216.99999999999999999999999999999999',
    '16777217.00000000000000000000000000000001',
    `0.${'0'.repeat(400)}1`,
    `1${'0'.repeat(30)}.5`,
    `${'1'.repeat(5000)}e-4990`,
    '0e99999999999',
    '1e-99999999999',
  ])('%s', (text) => {
    const [float] = read(`[${text}]`) as Float32Array;
    expect(float).toBe(Math.fround(JSON.parse(text) as number));
  });
});

describe('lists', () => {
  test.each([1, 2, 3, 4])(
    'of depth %i, ragged and with blanks anywhere, are those of JSON.parse',
    (depth) => {
      fc.assert(
        fc.property(lists(depth), (text) => {
          expect(read(text)).toStrictEqual(expected(text));
        }),
        { numRuns: 500 },
      );
    },
  );

  test('a vector may be longer than any known one', () => {
    const numbers = Array.from({ length: 5000 }, (_, i) => i / 7);
    expect(read(JSON.stringify([numbers]))).toStrictEqual([Float32Array.from(numbers)]);
  });
});

/** Texts that are left to JSON.parse. */
const others = [
  ...[
    '',
    ' ',
    '[',
    ']',
    '[]',
    '[[]]',
    '[[1],[]]',
    '[1',
    '[1,',
    '[1,]',
    '[,1]',
    '[1]]',
    '[[1]',
    '[1][2]',
    '[1] 2',
  ],
  ...[
    '1',
    'null',
    '[null]',
    '[1,null]',
    '[NaN]',
    '[Infinity]',
    '[-Infinity]',
    '[1,NaN]',
    '[true]',
    '["1"]',
    '{}',
  ],
  ...[
    '[01]',
    '[-01]',
    '[.5]',
    '[1.]',
    '[1.e3]',
    '[+1]',
    '[-]',
    '[--1]',
    '[1e]',
    '[1e+]',
    '[0x1]',
    '[1 2]',
    '[1_0]',
  ],
  ...['[1e39]', '[-1e39]', '[1e400]', '[3.4028236e38]', '[1,[2]]', '[[1],2]', '[[1],[[2]]]', '[[[[[1]]]]]'],
  ...['[1,{"a":1}]', '{"error": "CUDA out of memory"}', '[1]\u00a0', '\ufeff[1]', '[1]\0', '<html>[1]'],
];

test.each(others)('%j is nothing that it reads', (text) => {
  expect(read(text)).toBeUndefined();
});

test('a text that was cut anywhere is nothing that it reads', () => {
  const text = JSON.stringify([
    [0.5, -1e-7, 12],
    [3, 4.25, 1e21],
  ]);
  for (let length = 0; length < text.length; length++) expect(read(text.slice(0, length))).toBeUndefined();
  expect(read(text)).toBeDefined();
});

test('whatever bytes come, it reads what is JSON of that shape and leaves the rest', () => {
  const noise = fc
    .array(fc.constantFrom(...'[],0123456789.eE+- n'), { maxLength: 30 })
    .map((characters) => characters.join(''));
  fc.assert(
    fc.property(
      fc.oneof(
        noise,
        noise.map((text) => `[[${text}]]`),
      ),
      (text) => {
        const lists = read(text);
        if (lists !== undefined) expect(lists).toStrictEqual(expected(text));
      },
    ),
    { numRuns: 20_000 },
  );
});

describe('an answer with vectors means the same as one that JSON.parse has read', () => {
  /** The same task, whose contract is not told that it takes floats. */
  const { answersFloats: _, ...unread } = featureExtraction;
  const contracts = { hf, endpoint, tei };
  const outcome = (text: string, count: number, task: typeof unread, contract: typeof hf) => {
    const questions = Array.from({ length: count }, () => ({ inputs: { text: 'a' }, parameters: {} }));
    const decoded = contract.decode(Buffer.from(text), questions, task);
    if ('failure' in decoded) return decoded;
    return decoded.answers.map((answer) => {
      try {
        return task.decode(answer, {});
      } catch (error) {
        return String(error);
      }
    });
  };
  /** Few digits: an excerpt shows a float as short as it can be read back. */
  const small = fc.integer({ min: -8000, max: 8000 }).map((eighths) => String(eighths / 8));
  const list = (item: fc.Arbitrary<string>) =>
    fc.array(item, { minLength: 0, maxLength: 4 }).map((items) => `[${items.join(',')}]`);
  const odd = fc.constantFrom('null', 'NaN', '"x"', '1e39', '[]', '{}', '');
  const item = fc.oneof({ weight: 12, arbitrary: small }, { weight: 1, arbitrary: odd });
  const texts = fc.oneof(list(item), list(list(item)), list(list(list(item))));

  test.each(Object.entries(contracts))('%s', (_name, contract) => {
    fc.assert(
      fc.property(texts, fc.integer({ min: 1, max: 3 }), fc.nat(40), (text, count, cut) => {
        for (const body of [text, text.slice(0, -1 - (cut % text.length))]) {
          const byJson = outcome(body, count, unread, contract);
          expect(outcome(body, count, featureExtraction, contract)).toStrictEqual(byJson);
        }
      }),
      { numRuns: 3_000 },
    );
  });
});
