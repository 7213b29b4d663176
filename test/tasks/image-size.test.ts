import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { imageSize } from '../../src/tasks/image-size.ts';

const jpeg = (hex: string) => imageSize(Buffer.from(hex.replaceAll(' ', ''), 'hex'));

test('a JPEG tells its size in the frame header, after other segments and fill bytes', () => {
  expect(jpeg('ffd8 ffe00004abcd ffff c0 0011 08 0020 0030 03')).toEqual({ width: 48, height: 32 });
});

test.each([
  ['no bytes', ''],
  ['a torn JPEG header', 'ffd8 ffe00004abcd ffc00011 08'],
  ['a JPEG without a frame', 'ffd8 ffe00004abcd 0000 0000 0000 0000 0000'],
  ['a torn PNG header', '89504e470d0a1a0a0000000d4948445200000010'],
  ['a PNG without width', '89504e470d0a1a0a0000000d494844520000000000000010'],
  ['a GIF', '474946383961 1000 1000 000000000000000000000000'],
])('%s: unknown', (_, hex) => {
  expect(jpeg(hex)).toBeUndefined();
});

const shared = join(process.env.SLUICE_SHARED ?? '../shared', 'data/images/pillow');
describe.skipIf(!existsSync(shared))('images of the shared data', () => {
  test.each([
    ['hopper.png', 128, 128],
    ['hopper.jpg', 128, 128],
    ['pil_sample_cmyk.jpg', 100, 100],
  ])('%s is %i x %i', (name, width, height) => {
    expect(imageSize(readFileSync(join(shared, name)))).toEqual({ width, height });
  });
});
