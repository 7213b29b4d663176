import { crc32 } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { damagedPage } from '../../src/sources/parquet-pages.ts';
import { memoryBytes } from './kit.ts';

/** A page as Parquet writes it: a header in thrift's compact protocol, and its bytes. */
function page(body: Buffer, checksum?: number): Buffer {
  const varint = (value: number) => {
    const bytes: number[] = [];
    let rest = BigInt(value);
    for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
    return [...bytes, Number(rest)];
  };
  const zigzag = (value: number) => varint(value < 0 ? -2 * value - 1 : 2 * value);
  const field = (delta: number, type: number, ...value: number[]) => [(delta << 4) | type, ...value];
  const header = [
    ...field(1, 5, ...zigzag(0)),
    ...field(1, 5, ...zigzag(body.length * 2)),
    ...field(1, 5, ...zigzag(body.length)),
    ...(checksum === undefined ? [] : field(1, 5, ...zigzag(checksum | 0))),
    // DataPageHeader: values, encodings, and statistics with a text and a truth value.
    ...field(checksum === undefined ? 2 : 1, 12),
    ...field(1, 5, ...zigzag(10)),
    ...field(1, 5, ...zigzag(0)),
    ...field(3, 12, ...field(1, 8, 3, 97, 98, 99), ...field(6, 1), 0),
    0,
    0,
  ];
  return Buffer.concat([Buffer.from(header), body]);
}

function fileOf(...pages: Buffer[]) {
  const bytes = Buffer.concat([Buffer.from('PAR1'), ...pages]);
  return { bytes, chunks: [{ column: 'a', start: 4, end: bytes.length }] };
}

const small = Buffer.from('some values');
const large = Buffer.alloc(3_000_000, 'values ');

describe('pages and their checksums', () => {
  test('pages that fit are let pass, also large ones in short reads', async () => {
    const { bytes, chunks } = fileOf(page(small, crc32(small)), page(large, crc32(large)));
    expect(await damagedPage(memoryBytes(bytes), chunks)).toBeUndefined();
    expect(await damagedPage(memoryBytes(bytes, 70_000), chunks)).toBeUndefined();
  });

  test('the first that does not fit is told by its place', async () => {
    const first = page(small, crc32(small));
    const { bytes, chunks } = fileOf(first, page(large, crc32(large)));
    bytes[bytes.length - 5]! ^= 1;
    expect(await damagedPage(memoryBytes(bytes), chunks)).toEqual({ column: 'a', offset: 4 + first.length });
  });

  test('a file without checksums is not read on', async () => {
    const { bytes, chunks } = fileOf(page(large), page(small, 5));
    const file = memoryBytes(bytes);
    let read = 0;
    const counting = {
      ...file,
      read: (target: Uint8Array, position: number) => {
        const count = file.read(target, position);
        read += count;
        return count;
      },
    };
    expect(await damagedPage(counting, chunks)).toBeUndefined();
    expect(read).toBeLessThan(100_000);
  });

  test.each<[string, number[]]>([
    ['zeros', [0, 0, 0, 0]],
    ['a list of items without end', [0x19, 0xf1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]],
    ['structs in structs without end', Array<number>(60_000).fill(0x1c)],
    ['an integer without end', Array<number>(100).fill(0xff)],
    ['a type that there is not', [0x1e, 1, 2]],
    ['a page of a negative length', [0x35, 0x03, 0x15, 0x02, 0x00]],
    ['nothing', []],
  ])('a header that is none is left to DuckDB: %s', async (_, header) => {
    const { bytes, chunks } = fileOf(Buffer.from(header));
    expect(await damagedPage(memoryBytes(bytes), chunks)).toBeUndefined();
    expect(await damagedPage(memoryBytes(bytes), [{ column: 'a', start: 1e12, end: 2e12 }])).toBeUndefined();
  });
});
