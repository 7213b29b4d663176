import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { imageSize } from '../../src/tasks/image-size.ts';

const sizeOf = (hex: string) => imageSize(Buffer.from(hex.replaceAll(' ', ''), 'hex'));

test('a JPEG tells its size in the frame header, after other segments and fill bytes', () => {
  expect(sizeOf('ffd8 ffe00004abcd ffff c0 0011 08 0020 0030 03')).toEqual({ width: 48, height: 32 });
});

test.each([
  ['a GIF', '474946383961 1000 2000', 16, 32],
  ['a BMP with rows from the top down', `424d${'00'.repeat(16)}0a000000f6ffffff`, 10, 10],
  ['a lossy WebP', '52494646 24000000 57454250 56503820 18000000 300100 9d012a 1000 2000', 16, 32],
  ['a lossless WebP', '52494646 24000000 57454250 5650384c 18000000 2f 0fc00700 0000000000', 16, 32],
  ['an extended WebP', '52494646 24000000 57454250 56503858 0a000000 00000000 0f0000 1f0000', 16, 32],
])('%s tells its size', (_, hex, width, height) => {
  expect(sizeOf(hex)).toEqual({ width, height });
});

test.each([
  ['no bytes', ''],
  ['a torn JPEG header', 'ffd8 ffe00004abcd ffc00011 08'],
  ['a JPEG without a frame', 'ffd8 ffe00004abcd 0000 0000 0000 0000 0000'],
  ['a torn PNG header', '89504e470d0a1a0a0000000d4948445200000010'],
  ['a PNG without width', '89504e470d0a1a0a0000000d494844520000000000000010'],
  ['a torn GIF header', '474946383961 1000'],
  ['a GIF without width', '474946383961 0000 1000'],
  ['a torn WebP header', '52494646 24000000 57454250 56503820 18000000'],
  ['a TIFF', '49492a00 08000000 0000 00000000 0000000000000000'],
])('%s: unknown', (_, hex) => {
  expect(sizeOf(hex)).toBeUndefined();
});

const shared = join(process.env.SLUICE_SHARED ?? '../shared', 'data/images/pillow');
describe.skipIf(!existsSync(shared))('images of the shared data', () => {
  test.each([
    ['hopper.png', 128, 128],
    ['hopper.jpg', 128, 128],
    ['pil_sample_cmyk.jpg', 100, 100],
    ['hopper.gif', 128, 128],
    ['hopper.bmp', 128, 128],
    ['hopper.webp', 128, 128],
    ['iss634.webp', 245, 245],
  ])('%s is %i x %i', (name, width, height) => {
    expect(imageSize(readFileSync(join(shared, name)))).toEqual({ width, height });
  });
});
