import { expect, test } from 'vitest';
import { unheededByModel } from '../../../src/backends/onnx/parameters.ts';

const modelOf = (...architectures: string[]) => ({ architectures });

test.each([
  ['DetrForSegmentation', 'panoptic', undefined],
  ['MaskFormerForInstanceSegmentation', 'panoptic', undefined],
  ['SegformerForSemanticSegmentation', 'semantic', undefined],
  [
    'DetrForSegmentation',
    'semantic',
    'subtask: a DetrForSegmentation gives panoptic segments on this machine',
  ],
  // Nobody has written it for transformers.js.
  [
    'DetrForSegmentation',
    'instance',
    'subtask: a DetrForSegmentation gives panoptic segments on this machine',
  ],
])('a %s asked for %s segments', (architecture, subtask, why) => {
  expect(unheededByModel(modelOf(architecture), { subtask })).toBe(why);
});

test('a model that does not say what it is is asked for no subtask', () => {
  expect(unheededByModel({}, { subtask: 'semantic' })).toBe(
    'subtask: config.json does not say what the model is, so what it gives is not known',
  );
  expect(unheededByModel({}, {})).toBeUndefined();
});
