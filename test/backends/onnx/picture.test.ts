import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { pictureOf, pngOf } from '../../../src/backends/onnx/pipelines/picture.ts';
import { Unanswerable } from '../../../src/tasks/task.ts';

const left = [255, 0, 0];
const right = [0, 0, 255];
/** Two pixels beside each other. */
const drawn = (channels: 3 | 4, data: number[]) =>
  sharp(Uint8Array.from(data), { raw: { width: 2, height: 1, channels } });

describe('an image', () => {
  test('is upright, as its Exif says', async () => {
    const bytes = await drawn(3, [...left, ...right])
      .withMetadata({ orientation: 3 })
      .png()
      .toBuffer();
    expect(await pictureOf({ bytes })).toEqual({
      data: Buffer.from([...right, ...left]),
      width: 2,
      height: 1,
    });
  });

  test('loses its transparency and keeps its colours', async () => {
    const bytes = await drawn(4, [...left, 0, ...right, 128])
      .png()
      .toBuffer();
    expect((await pictureOf({ bytes })).data).toEqual(Buffer.from([...left, ...right]));
  });

  test('in grey has three equal channels', async () => {
    const bytes = await sharp(Uint8Array.from([7, 200]), { raw: { width: 2, height: 1, channels: 1 } })
      .png()
      .toBuffer();
    expect([...(await pictureOf({ bytes })).data]).toEqual([7, 7, 7, 200, 200, 200]);
  });

  test('with junk between its segments is read; one that ends too soon is not', async () => {
    const jpeg = await sharp({ create: { width: 64, height: 64, channels: 3, background: 'red' } })
      .jpeg()
      .toBuffer();
    // After the start and the first segment, whose length stands in its header.
    const second = 4 + jpeg.readUInt16BE(4);
    const junk = Buffer.concat([jpeg.subarray(0, second), Buffer.from([1, 2, 3]), jpeg.subarray(second)]);
    expect(await pictureOf({ bytes: junk })).toEqual(await pictureOf({ bytes: jpeg }));
    const cut = jpeg.subarray(0, jpeg.length - 20);
    await expect(pictureOf({ bytes: cut })).rejects.toThrow(/premature end/);
  });

  test('that is none fails its row', async () => {
    await expect(pictureOf({ bytes: Buffer.from('no image') })).rejects.toThrow(Unanswerable);
  });

  test('that is damaged is told by its own words, however many others are damaged at the same time', async () => {
    const plain = sharp({ create: { width: 64, height: 64, channels: 3, background: 'red' } });
    const jpeg = (await plain.jpeg().toBuffer()).subarray(0, -20);
    const png = (await plain.png({ compressionLevel: 0 }).toBuffer()).subarray(0, -3000);
    const gif = Buffer.from('GIF89a\x40\0\x40\0', 'latin1');
    const why = async (bytes: Uint8Array) => {
      const error = await pictureOf({ bytes }).catch((thrown: unknown) => thrown);
      return (error as Error).message;
    };
    const alone = [await why(jpeg), await why(png), await why(gif)];
    expect(new Set(alone).size).toBe(3);
    for (let i = 0; i < 50; i++) expect(await Promise.all([jpeg, png, gif].map(why))).toEqual(alone);
  });

  test('a mask becomes a PNG of one channel and back', async () => {
    const png = await pngOf(Uint8Array.from([0, 255]), 2, 1);
    const { data, info } = await sharp(png).toColourspace('b-w').raw().toBuffer({ resolveWithObject: true });
    expect([...data]).toEqual([0, 255]);
    expect(info).toMatchObject({ channels: 1, width: 2, height: 1 });
    expect((await sharp(png).metadata()).channels).toBe(1);
  });
});
