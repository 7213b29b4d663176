import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { decidingFiles, weightsOf } from '../../../src/backends/onnx/model.ts';
import { besideModel } from '../../models/beside.ts';
import { type ModelFiles, writeModel } from '../../models/files.ts';
import { type LookupModel, lookupModel } from '../../models/lookup.ts';
import { detectorModel, halvesModel } from '../../models/pictures.ts';
import { temporaryFolder } from '../../temporary.ts';
import { answersOf, runnerOf, texts } from './kit.ts';

function written(files: ModelFiles): string {
  const folder = temporaryFolder();
  writeModel(folder, files);
  return folder;
}

/** A model of an architecture that nobody has heard of. */
function strange(
  shape: 'tokens' | 'sum',
  output = 'logits',
  config: LookupModel['config'] = { model_type: 'tayloria', architectures: ['Tayloria'] },
): ModelFiles {
  return lookupModel({ shape, output, words: { good: [0, 3] }, other: [0, 0], config });
}

describe('a model of an unknown architecture', () => {
  test.each([{ model_type: 'tayloria', architectures: ['Tayloria'] }, { model_type: 'tayloria' }, {}])(
    'is used where its graph gives what the task needs: %j',
    async (config) => {
      const runner = await runnerOf(written(strange('sum', 'logits', config)), 'text-classification');
      expect(await answersOf(runner, texts(['good']))).toMatchObject([
        [{ label: 'LABEL_1', score: expect.closeTo(0.953, 3) }, { label: 'LABEL_0' }],
      ]);
    },
  );

  test.each([
    ['text-classification', strange('tokens'), /logits of the shape \[1, \d+, 2\].*for each text$/],
    ['text-classification', strange('sum', 'odds'), /gives no logits, only odds$/],
    ['token-classification', strange('sum'), /logits of the shape \[1, 2\].*for each token$/],
    ['fill-mask', strange('sum'), /logits of the shape \[1, 2\].*for each token$/],
    ['question-answering', strange('sum'), /gives no start_logits, only logits$/],
    [
      'feature-extraction',
      strange('sum', 'last_hidden_state'),
      /last_hidden_state of the shape \[1, 2\].*for each token$/,
    ],
    ['feature-extraction', strange('sum'), /gives no last_hidden_state, only logits$/],
    [
      'text-classification',
      { ...strange('sum'), 'onnx/model.onnx': halvesModel()['onnx/model.onnx']! },
      /wants the input pixel_values, which no text encoder has$/,
    ],
    [
      'object-detection',
      { ...detectorModel([0.9]), 'config.json': '{"model_type": "tayloria"}' },
      /cannot do object-detection here: Unsupported model type/,
    ],
    [
      'image-segmentation',
      { ...detectorModel([0.9]), 'config.json': '{"model_type": "yolos"}' },
      /cannot do image-segmentation here: Unsupported model type "yolos"/,
    ],
  ])('is refused for %s before the first row where it gives something else', async (task, files, why) => {
    await expect(runnerOf(written(files), task)).rejects.toMatchObject({
      code: 'MODEL_TASK',
      message: expect.stringMatching(why),
      next: expect.any(String),
    });
  });
});

describe.each(['model.onnx_data', 'model.onnx.data'])('weights beside the graph, in %s', (weights) => {
  test('are loaded, and decide the answers as the graph does', async () => {
    const folder = written(besideModel(weights));
    const runner = await runnerOf(folder, 'text-classification');
    expect(await answersOf(runner, texts(['good']))).toMatchObject([[{ label: 'POSITIVE' }, {}]]);
    expect(decidingFiles(weightsOf(folder, ['model'], 'auto'))).toContain(`onnx/${weights}`);
  });

  test('that are missing are named', async () => {
    const folder = written(besideModel(weights));
    rmSync(join(folder, 'onnx', weights));
    await expect(runnerOf(folder, 'text-classification')).rejects.toMatchObject({
      code: 'MODEL_FILE',
      message: expect.stringMatching(`onnx/${weights} is missing; the graph has weights in it$`),
      next: expect.stringContaining('beside the .onnx file'),
    });
  });
});
