import { describe, expect, test } from 'vitest';
import { checkFlatbuffer } from '../../src/sources/flatbuffer.ts';

describe('a damaged flatbuffer is refused in words for a user', () => {
  test.each([
    ['no bytes', '', 'metadata end at byte 0, before 4'],
    ['a root outside', 'ffffff7f', 'metadata end at byte 4, before 2147483651'],
    // The table's fields are told to begin 16 bytes before the buffer.
    ['fields before the beginning', '04000000 14000000', 'metadata point to byte -16'],
    ['a list of fields that is cut off', '04000000 fcffffff', 'metadata end at byte 8, before 10'],
  ])('%s', (_, hex, message) => {
    const bytes = Buffer.from(hex.replaceAll(' ', ''), 'hex');
    expect(() => checkFlatbuffer(bytes, ['string'])).toThrow(new RangeError(message));
  });
});
