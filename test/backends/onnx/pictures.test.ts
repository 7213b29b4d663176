import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { writeModel } from '../../models/files.ts';
import { detectorModel, halvesModel } from '../../models/pictures.ts';
import { temporaryFolder } from '../../temporary.ts';
import { answersOf, runnerOf } from './kit.ts';

/** Twice as wide as it is high. */
const image = async () => ({
  bytes: await sharp({ create: { width: 8, height: 4, channels: 3, background: 'red' } })
    .png()
    .toBuffer(),
});

describe('object-detection', () => {
  test('gives what is at least as sure as the threshold: 0.5 as the API, or the one of the row', async () => {
    const folder = temporaryFolder();
    writeModel(folder, detectorModel([0.95, 0.6, 0.51, 0.49, 0.2]));
    const runner = await runnerOf(folder, 'object-detection');
    const inputs = { image: await image() };
    const answers = await answersOf(
      runner,
      [{}, { threshold: 0.3 }, { threshold: 0.9 }].map((parameters) => ({ inputs, parameters })),
    );
    const found = (...scores: number[]) =>
      scores.map((score) => ({
        label: 'thing',
        score: expect.closeTo(score, 5),
        box: { xmin: 2, ymin: 1, xmax: 6, ymax: 3 },
      }));
    expect(answers).toEqual([found(0.95, 0.6, 0.51), found(0.95, 0.6, 0.51, 0.49), found(0.95)]);
  });
});

describe('image-segmentation', () => {
  test('gives a mask for each segment: a PNG as large as the image, white where the segment is', async () => {
    const folder = temporaryFolder();
    writeModel(folder, halvesModel());
    const runner = await runnerOf(folder, 'image-segmentation');
    const [answer] = await answersOf(runner, [{ inputs: { image: await image() }, parameters: {} }]);
    const segments = answer as { label: string; score: number | null; mask: string }[];
    expect(segments.map(({ label, score }) => ({ label, score }))).toEqual([
      { label: 'left', score: null },
      { label: 'right', score: null },
    ]);
    const [left, right] = await Promise.all(
      segments.map(async ({ mask }) => {
        const png = sharp(Buffer.from(mask, 'base64'));
        expect(await png.metadata()).toMatchObject({ format: 'png', width: 8, height: 4, channels: 1 });
        return [...(await png.toColourspace('b-w').raw().toBuffer())];
      }),
    );
    const row = [255, 255, 255, 255, 0, 0, 0, 0];
    expect(left).toEqual([...row, ...row, ...row, ...row]);
    expect(right).toEqual(left!.map((pixel) => 255 - pixel));
  });

  test('heeds a subtask that the model can do; another one fails its row', async () => {
    const folder = temporaryFolder();
    writeModel(folder, halvesModel());
    const runner = await runnerOf(folder, 'image-segmentation');
    const inputs = { image: await image() };
    const [usual, semantic, panoptic] = await answersOf(
      runner,
      [{}, { subtask: 'semantic' }, { subtask: 'panoptic' }].map((parameters) => ({ inputs, parameters })),
    );
    expect(semantic).toEqual(usual);
    expect(panoptic).toMatchObject({
      message: 'subtask: a SegformerForSemanticSegmentation gives semantic segments on this machine',
    });
  });
});
