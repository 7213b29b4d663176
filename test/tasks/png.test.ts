import { crc32, inflateSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { imageSize } from '../../src/tasks/image-size.ts';
import { grayPng, isPng } from '../../src/tasks/png.ts';

/** The chunks of a PNG, their checksums checked. */
function chunksOf(png: Buffer): { type: string; data: Buffer }[] {
  const chunks: { type: string; data: Buffer }[] = [];
  for (let at = 8; at < png.length; ) {
    const length = png.readUInt32BE(at);
    expect(png.readUInt32BE(at + 8 + length)).toBe(crc32(png.subarray(at + 4, at + 8 + length)));
    chunks.push({
      type: png.toString('latin1', at + 4, at + 8),
      data: png.subarray(at + 8, at + 8 + length),
    });
    at += 12 + length;
  }
  return chunks;
}

test('a PNG of one channel of 8 bits holds the pixels that were given', () => {
  const png = grayPng(3, 2, new Uint8Array([0, 128, 255, 1, 2, 3]));
  expect(isPng(png)).toBe(true);
  expect(imageSize(png)).toEqual({ width: 3, height: 2 });
  const [header, data, end] = chunksOf(png);
  expect([header?.type, data?.type, end?.type]).toEqual(['IHDR', 'IDAT', 'IEND']);
  expect([...header!.data.subarray(8)]).toEqual([8, 0, 0, 0, 0]);
  expect([...inflateSync(data!.data)]).toEqual([0, 0, 128, 255, 0, 1, 2, 3]);
});

test('a PNG is told by its first bytes, torn ones are none', () => {
  expect(isPng(grayPng(1, 1, new Uint8Array(1)).subarray(0, 7))).toBe(false);
  expect(isPng(Buffer.from('GIF89a'))).toBe(false);
});
