import { isUtf8 } from 'node:buffer';
import { describe, expect, test } from 'vitest';
import { notUtf8 } from '../../src/sources/text.ts';

/** Index of the first byte that is not UTF-8, from the place that the message tells. */
function foundAt(bytes: Uint8Array): number {
  return Number(/at place (\d+)$/.exec(notUtf8(bytes))?.[1]) - 1;
}

describe('the place of the first byte that is not UTF-8', () => {
  test.each<[string, number[], number]>([
    ['a continuation alone', [0x61, 0x80, 0x61], 1],
    ['a letter of Latin-1', [0x61, 0xe9, 0x22, 0x61], 1],
    ['a character cut off by the end', [0x61, 0xf0, 0x9f, 0x98], 1],
    ['a character cut off by another', [0xe2, 0x82, 0xe2, 0x82, 0xac], 0],
    ['a long form', [0xc3, 0xa9, 0xc0, 0x80], 2],
    ['a long form of three bytes', [0xe0, 0x9f, 0xbf], 0],
    ['a long form of four bytes', [0xf0, 0x8f, 0xbf, 0xbf], 0],
    ['a surrogate', [0xed, 0x9f, 0xbf, 0xed, 0xa0, 0x80], 3],
    ['beyond U+10FFFF', [0xf4, 0x8f, 0xbf, 0xbf, 0xf4, 0x90, 0x80, 0x80], 4],
    ['a byte that no character begins with', [0xc3, 0xa9, 0xff], 2],
  ])('%s', (_, bytes, place) => {
    expect(foundAt(Buffer.from(bytes))).toBe(place);
  });

  test('what is before it is UTF-8, and no character begins there', () => {
    const parts = ['a', 'é', '€', '😀'].map((sign) => Buffer.from(sign));
    const text = Buffer.concat(Array.from({ length: 40 }, (_, i) => parts[(i * 7) % 4]!));
    for (let at = 0; at < text.length; at++) {
      for (const byte of [0x22, 0x80, 0xbf, 0xc3, 0xe9, 0xf0, 0xff]) {
        const damaged = Buffer.from(text);
        damaged[at] = byte;
        if (isUtf8(damaged)) continue;
        const place = foundAt(damaged);
        const whole = [1, 2, 3, 4].filter((length) => place + length <= damaged.length);
        expect(isUtf8(damaged.subarray(0, place))).toBe(true);
        expect(whole.some((length) => isUtf8(damaged.subarray(place, place + length)))).toBe(false);
      }
    }
  });
});
