import { type ModelFiles, wordTokenizer } from './files.ts';
import { modelBytes, rawBytes, type Tensor } from './graph.ts';

/**
 * A classifier that has its weights in a file beside its graph, as models above 2 GB must have.
 * @param weights name of that file
 */
export function besideModel(weights: string): ModelFiles {
  const table: Tensor = {
    type: 'float32',
    dims: [4, 2],
    data: [0, 0, 0, 0, 3, 0, 0, 3],
    file: weights,
  };
  return {
    'config.json': JSON.stringify({ model_type: 'bert', id2label: { 0: 'NEGATIVE', 1: 'POSITIVE' } }),
    'tokenizer.json': wordTokenizer(['bad', 'good']),
    'tokenizer_config.json': JSON.stringify({ model_max_length: 64, pad_token: '[PAD]' }),
    [`onnx/${weights}`]: rawBytes(table),
    'onnx/model.onnx': modelBytes({
      inputs: [{ name: 'input_ids', type: 'int64', dims: ['batch', 'tokens'] }],
      outputs: [{ name: 'logits', type: 'float32', dims: ['batch', 2] }],
      constants: { table, one: { type: 'int64', dims: [1], data: [1] } },
      nodes: [
        { op: 'Gather', inputs: ['table', 'input_ids'], outputs: ['found'] },
        { op: 'ReduceSum', inputs: ['found', 'one'], outputs: ['logits'], attributes: { keepdims: 0 } },
      ],
    }),
  };
}
