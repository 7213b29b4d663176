import { Tokenizer as Native } from '@anush008/tokenizers';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Encoding, Text, Truncation } from '../../../src/backends/onnx/encoding.ts';
import { type WholeTexts, WordCache } from '../../../src/backends/onnx/word-cache.ts';
import type { JsonObject } from '../../../src/tasks/shapes.ts';
import { pieceTokenizer } from '../../models/pieces.ts';

type Cutting = Parameters<Native['setTruncation']>;

/** A tokenizer of BERT's kind, changed as the test wants, and the cache in front of it. */
async function opened(change: (file: JsonObject) => void = () => undefined) {
  const words = ['anna', '##berg', 'paris', 'in', 'the', '##s', 'cafe', '東', '𐐨'];
  const file = JSON.parse(pieceTokenizer(words, 1000)) as JsonObject;
  change(file);
  const native = Native.fromString(JSON.stringify(file));
  const asked: string[] = [];
  const whole: WholeTexts = {
    encode: (text, pair) => {
      asked.push(text);
      return native.encode(text, pair) as Promise<unknown> as Promise<Encoding>;
    },
  };
  const cache = await WordCache.open(whole, file);
  const direct = async ({ text, pair }: Text, truncation?: Truncation): Promise<Encoding> => {
    if (truncation !== undefined) {
      const { maxLength, strategy, direction = 'right', stride = 0 } = truncation;
      native.setTruncation(maxLength, { strategy, direction, stride } as Cutting[1]);
    }
    try {
      return (await native.encode(text, pair)) as unknown as Encoding;
    } finally {
      native.disableTruncation();
    }
  };
  asked.length = 0;
  return { cache, direct, asked };
}

function all(encoding: Encoding) {
  return {
    ids: encoding.getIds(),
    types: encoding.getTypeIds(),
    special: encoding.getSpecialTokensMask(),
    sequences: encoding.getSequenceIds(),
    offsets: encoding.getOffsets(),
    words: encoding.getWordIds(),
  };
}

/** What tokenizers of BERT's kind treat in ways of their own, between pieces of any text. */
const pieces = fc.oneof(
  fc.constantFrom(
    ...[' ', '  ', '\t', '\n', '\r\n', '\u00a0', '\u2003', '\u3000', '\u200b', '\u0000', '\u0007', '\ufffd'],
    ...['Anna', 'ANNABERG', 'paris', "in the Café's", 'e\u0301', '\u0301', 'ΟΔΟΣ', 'İ', 'ß', 'ﬁ'],
    ...['東京', '𐐨', '😀', '\ud83d', '[MASK]', '[SEP].', '[mask]', '...', '_', '-', 'x'.repeat(120)],
  ),
  fc.string({ unit: 'binary', maxLength: 6 }),
  fc.string({ maxLength: 12 }),
);
const anyText = fc.array(pieces, { maxLength: 12 }).map((some) => some.join(''));
const spaced = fc.array(pieces, { maxLength: 12 }).map((some) => some.join(' '));
const text = fc.oneof(anyText, spaced);

test('a text has the tokens, places and words that the tokenizer itself gives it, alone and in a pair', async () => {
  const { cache, direct } = await opened();
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ text, pair: fc.option(text, { nil: undefined }) })),
      async (some) => {
        const texts = some.map(({ text, pair }) => (pair === undefined ? { text } : { text, pair }));
        const joined = await cache!.encode(texts, undefined);
        for (const [i, encoding] of joined.entries())
          expect(all(encoding!)).toEqual(all(await direct(texts[i]!)));
      },
    ),
    { numRuns: 300 },
  );
});

test('a text that is cut has the tokens that the tokenizer leaves it, or the tokenizer is asked', async () => {
  const { cache, direct } = await opened();
  const length = { maxLength: fc.integer({ min: 4, max: 10 }) };
  const strategy = fc.constantFrom('LongestFirst', 'OnlyFirst', 'OnlySecond');
  const truncations = fc.oneof(
    fc.record({ ...length, strategy }),
    fc.record({ ...length, strategy, direction: fc.constant('left') }),
    fc.record({ ...length, strategy, stride: fc.constant(1) }),
  );
  const long = fc.array(pieces, { minLength: 6, maxLength: 20 }).map((some) => some.join(' '));
  let cut = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(text, long),
      fc.option(text, { nil: undefined }),
      truncations as fc.Arbitrary<Truncation>,
      async (text, pair, truncation) => {
        const given = pair === undefined ? { text } : { text, pair };
        const [joined] = await cache!.encode([given], truncation);
        if (joined === undefined) return;
        expect(all(joined)).toEqual(all(await direct(given, truncation)));
        if (all(joined).ids.length < all(await direct(given)).ids.length) cut++;
      },
    ),
    { numRuns: 1000 },
  );
  expect(cut).toBeGreaterThan(15);
});

test('a word is asked for once, however many texts have it', async () => {
  const { cache, asked } = await opened();
  await cache!.encode([{ text: 'Anna in Paris' }, { text: 'Paris in the\nPARIS' }], undefined);
  expect(asked).toEqual(['Anna in Paris the PARIS']);
  await cache!.encode([{ text: 'the Anna', pair: 'PARIS ' }], undefined);
  expect(asked).toHaveLength(1);
});

test('of a text that is cut no word is asked for that is far behind the cut', async () => {
  const { cache, asked } = await opened();
  const text = Array.from({ length: 1000 }, (_, i) => `w${i}`).join(' ');
  await cache!.encode([{ text }], { maxLength: 8, strategy: 'LongestFirst' });
  expect(asked).toEqual(['w0 w1 w2 w3 w4 w5 w6 w7 w8']);
});

test('a text whose first words turn out to have no tokens is not taken for one that is too long', async () => {
  const { cache, direct } = await opened();
  const text = `${'\u200b\u200b \u0007 '.repeat(10)}Anna`;
  const truncation: Truncation = { maxLength: 8, strategy: 'LongestFirst' };
  expect(await cache!.encode([{ text }], truncation)).toEqual([undefined]);
  // Now its words are known.
  const [joined] = await cache!.encode([{ text }], truncation);
  expect(all(joined!)).toEqual(all(await direct({ text }, truncation)));
});

test('words that were not met for long are forgotten, those that are met again are not', async () => {
  const { cache, asked } = await opened();
  for (let i = 0; i < 40; i++) {
    const words = Array.from({ length: 1000 }, (_, k) => `w${i * 1000 + k}`);
    await cache!.encode([{ text: `often ${words.join(' ')}` }], undefined);
  }
  asked.length = 0;
  await cache!.encode([{ text: 'often w39999 w0' }], undefined);
  expect(asked).toEqual(['w0']);
});

test('a token that takes the spaces beside it is left to the tokenizer', async () => {
  const { cache, direct } = await opened((file) => {
    for (const token of file.added_tokens as JsonObject[])
      if (token.content === '[MASK]') token.lstrip = true;
  });
  const texts = [{ text: 'Anna [MASK] Paris' }, { text: 'Anna in Paris' }];
  const [masked, plain] = await cache!.encode(texts, undefined);
  expect(masked).toBeUndefined();
  expect(all(plain!)).toEqual(all(await direct(texts[1]!)));
});

test.each([
  [
    'splits words in another way',
    (file: JsonObject) => {
      file.pre_tokenizer = { type: 'WhitespaceSplit' };
    },
  ],
  [
    'does not split words',
    (file: JsonObject) => {
      file.pre_tokenizer = null;
    },
  ],
  [
    'looks for tokens with spaces in the normalised text',
    (file: JsonObject) => {
      const tokens = file.added_tokens as JsonObject[];
      const id = Object.keys((file.model as { vocab: object }).vocab).length;
      tokens.push({ ...tokens[0], id, content: 'anna paris', special: false, normalized: true });
    },
  ],
])('a tokenizer that %s has no cache', async (_, change) => {
  expect((await opened(change)).cache).toBeUndefined();
});
