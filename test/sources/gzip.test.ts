import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { openedHere, read } from './kit.ts';

const { engine, folder } = await openedHere();

const jsonl = (first: number) => gzipSync(`{"id":${first},"text":"a"}\n{"id":${first + 1},"text":"b"}\n`);
const [one, two] = [jsonl(0), jsonl(2)];
const csv = gzipSync('id,text\n0,a\n1,b\n');

/** With a bit flipped, at a place from the end where that is negative. */
function flipped(bytes: Uint8Array, at: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[at < 0 ? copy.length + at : at]! ^= 1;
  return copy;
}
const joined = (...parts: Uint8Array[]) => Buffer.concat(parts);

describe('a text in gzip', () => {
  test.each([
    ['several files, one after the other, are one', joined(one, two), 4],
    ['zeros at its end are padding, as tapes and tar make it', joined(one, Buffer.alloc(700)), 2],
  ])('%s', async (_, bytes, rows) => {
    expect((await read(engine, folder.write('good.jsonl.gz', bytes))).rows).toHaveLength(rows);
  });

  // The last eight bytes are the CRC32 of the text and its length (RFC 1952, 2.3.1).
  test.each([
    ['a wrong checksum', 'x.jsonl.gz', flipped(one, -8), /incorrect data check/],
    ['a wrong length', 'x.jsonl.gz', flipped(one, -1), /incorrect length check/],
    ['a wrong checksum, of CSV', 'x.csv.gz', flipped(csv, -5), /incorrect data check/],
    ['a wrong length, of CSV', 'x.csv.gz', flipped(csv, -4), /incorrect length check/],
    ['no length', 'x.csv.gz', csv.subarray(0, -4), /unexpected end/],
    ['no checksum', 'x.jsonl.gz', one.subarray(0, -8), /unexpected end/],
    [
      'a wrong checksum in the first of two',
      'x.jsonl.gz',
      joined(flipped(one, -8), two),
      /incorrect data check/,
    ],
    [
      'a wrong checksum in the last of two',
      'x.jsonl.gz',
      joined(one, flipped(two, -8)),
      /incorrect data check/,
    ],
    [
      'a beginning of the second that is none',
      'x.jsonl.gz',
      joined(one, flipped(two, 0)),
      /incorrect header/,
    ],
    ['the second cut off', 'x.jsonl.gz', joined(one, two.subarray(0, 5)), /unexpected end/],
    ['text behind it', 'x.jsonl.gz', joined(one, Buffer.from('{"id":2}\n')), /incorrect header/],
    [
      'a hole of zeros, and more behind it',
      'x.jsonl.gz',
      joined(one, Buffer.alloc(700), two),
      /byte 7\d\d, behind zeros/,
    ],
  ])('with %s is an error, not a table', async (_, name, bytes, reason) => {
    await expect(read(engine, folder.write(name, bytes))).rejects.toMatchObject({
      code: 'SOURCE_CORRUPT',
      exit: 3,
      message: expect.stringMatching(new RegExp(`${name} \\(broken gzip: .*${reason.source}`)),
    });
  });

  test('a hole of zeros is found where the text is longer than what is read at a time', async () => {
    const line = (id: number) => `{"id":${id},"text":"${'a text '.repeat(3000)}"}\n`;
    const large = gzipSync(Array.from({ length: 200 }, (_, id) => line(id)).join(''), { level: 0 });
    expect(large.length).toBeGreaterThan(2 ** 22);
    const hole = Buffer.alloc(2 ** 21);
    const padded = await read(engine, folder.write('large.jsonl.gz', joined(large, hole)));
    expect(padded.rows).toHaveLength(200);
    await expect(
      read(engine, folder.write('large.jsonl.gz', joined(large, hole, one))),
    ).rejects.toMatchObject({ message: expect.stringContaining('behind zeros') });
  });
});
