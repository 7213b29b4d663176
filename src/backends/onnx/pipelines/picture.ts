import { messageOf } from '../../../errors.ts';
import { type Binary, Unanswerable } from '../../../tasks/task.ts';
import { heavy } from '../heavy.ts';

/** An image as its pixels: red, green and blue, row by row. */
export interface Picture {
  data: Uint8Array;
  width: number;
  height: number;
}

/**
 * Decodes an image. Upright as its Exif says, and without transparency, as the API's pipelines see it.
 * @throws {Unanswerable} for bytes that are no image
 */
export async function pictureOf({ bytes }: Binary): Promise<Picture> {
  const { default: sharp } = await heavy('sharp', () => import('sharp'));
  try {
    // Junk between the segments of a JPEG is no damage to the picture: the API's pipelines read past it, too.
    const { data, info } = await alone(() =>
      sharp(bytes, { failOn: 'error' })
        .autoOrient()
        .toColourspace('srgb')
        .removeAlpha()
        .raw({ depth: 'uchar' })
        .toBuffer({ resolveWithObject: true }),
    );
    if (info.channels === 3) return { data, width: info.width, height: info.height };
    return { data: spread(data, info.channels), width: info.width, height: info.height };
  } catch (error) {
    throw new Unanswerable(`the image cannot be decoded: ${messageOf(error)}`);
  }
}

/**
 * Bytes that its pixels take, as its header says.
 * @throws {Unanswerable} for bytes that are no image
 */
export async function decodedBytes({ bytes }: Binary): Promise<number> {
  const { default: sharp } = await heavy('sharp', () => import('sharp'));
  try {
    const { width, height } = await alone(() => sharp(bytes).metadata());
    return 3 * width * height;
  } catch (error) {
    throw new Unanswerable(`the image cannot be decoded: ${messageOf(error)}`);
  }
}

/** The image that is being looked at. */
let looking: Promise<unknown> = Promise.resolve();

/**
 * One image at a time: libvips keeps the reason of a failure for the whole process, so that of two damaged ones a row
 * would get the other's reason, or none.
 */
function alone<T>(look: () => Promise<T>): Promise<T> {
  const looked = looking.then(look);
  looking = looked.catch(() => undefined);
  return looked;
}

/** The PNG of a mask: one channel, 0 or 255. */
export async function pngOf(mask: Uint8Array, width: number, height: number): Promise<Uint8Array> {
  const { default: sharp } = await heavy('sharp', () => import('sharp'));
  return sharp(mask, { raw: { width, height, channels: 1 } })
    .toColourspace('b-w')
    .png()
    .toBuffer();
}

/** Grey as red, green and blue. */
function spread(data: Uint8Array, channels: number): Uint8Array {
  const pixels = data.length / channels;
  const all = new Uint8Array(pixels * 3);
  for (let i = 0; i < pixels; i++) all.fill(data[i * channels]!, i * 3, i * 3 + 3);
  return all;
}
