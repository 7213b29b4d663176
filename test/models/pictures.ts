import type { ModelFiles } from './files.ts';
import { modelBytes, type Tensor } from './graph.ts';

/** A model that gives the same outputs for every image: what a task makes of outputs can then be told by hand. */
function sameForAll(
  config: Record<string, unknown>,
  processor: string,
  outputs: Readonly<Record<string, Tensor>>,
): ModelFiles {
  const names = Object.keys(outputs);
  return {
    'config.json': JSON.stringify(config),
    'preprocessor_config.json': JSON.stringify({
      image_processor_type: processor,
      do_resize: true,
      size: { width: 8, height: 8 },
      do_rescale: true,
      do_normalize: false,
      do_pad: false,
    }),
    'onnx/model.onnx': modelBytes({
      inputs: [{ name: 'pixel_values', type: 'float32', dims: ['batch', 'channels', 'height', 'width'] }],
      outputs: names.map((name) => ({ name, type: 'float32', dims: outputs[name]!.dims })),
      constants: Object.fromEntries(names.map((name) => [`same ${name}`, outputs[name]!])),
      nodes: names.map((name) => ({ op: 'Identity', inputs: [`same ${name}`], outputs: [name] })),
    }),
  };
}

/** Kinds of things that the detector tells apart, beside "nothing", which is its last class. */
const kinds = ['thing', ...Array.from({ length: 8 }, (_, i) => `other ${i}`)];

/**
 * A detector that sees one thing for each score, always in the same place: the middle of the image, half as wide and high.
 */
export function detectorModel(scores: readonly number[]): ModelFiles {
  const config = {
    model_type: 'yolos',
    architectures: ['YolosForObjectDetection'],
    id2label: Object.fromEntries(kinds.entries()),
  };
  const shares = (score: number) => [score, ...kinds.map(() => (1 - score) / kinds.length)];
  return sameForAll(config, 'YolosImageProcessor', {
    logits: {
      type: 'float32',
      dims: [1, scores.length, kinds.length + 1],
      data: scores.flatMap(shares).map(Math.log),
    },
    pred_boxes: {
      type: 'float32',
      dims: [1, scores.length, 4],
      data: scores.flatMap(() => [0.5, 0.5, 0.5, 0.5]),
    },
  });
}

/** A model that cuts every image into its `left` and its `right` half. */
export function halvesModel(): ModelFiles {
  const config = {
    model_type: 'segformer',
    architectures: ['SegformerForSemanticSegmentation'],
    id2label: { 0: 'left', 1: 'right' },
  };
  return sameForAll(config, 'SegformerImageProcessor', {
    logits: { type: 'float32', dims: [1, 2, 1, 2], data: [1, 0, 0, 1] },
  });
}
