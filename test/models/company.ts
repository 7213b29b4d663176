import { type ModelFiles, wordTokenizer } from './files.ts';
import { modelBytes } from './graph.ts';

/**
 * A classifier that gives a row other scores in other company, as dynamically quantised models do, only plainly: every
 * score depends on all tokens of the run, padding included.
 * @param work side of a square matrix that each run multiplies with itself, to make runs slow
 */
export function companyModel(work: number): ModelFiles {
  const words = 'the of and a to in that his it i he but as is with was for all this at'.split(' ');
  const dims = [work, work];
  return {
    'config.json': JSON.stringify({
      model_type: 'bert',
      architectures: ['CompanyForSequenceClassification'],
      id2label: { 0: 'A', 1: 'B' },
      pad_token_id: 0,
    }),
    'tokenizer.json': wordTokenizer(words),
    'tokenizer_config.json': JSON.stringify({ model_max_length: 512, pad_token: '[PAD]' }),
    'onnx/model.onnx': modelBytes({
      inputs: [
        { name: 'input_ids', type: 'int64', dims: ['batch', 'tokens'] },
        { name: 'attention_mask', type: 'int64', dims: ['batch', 'tokens'] },
      ],
      outputs: [{ name: 'logits', type: 'float32', dims: ['batch', 2] }],
      constants: {
        one: { type: 'int64', dims: [1], data: [1] },
        matrix: { type: 'float32', dims, data: Array.from({ length: work * work }, (_, i) => (i % 7) / 7) },
        little: { type: 'float32', dims: [1], data: [1e-4] },
        nothing: { type: 'float32', dims: [1], data: [1e-20] },
        sides: { type: 'float32', dims: [1, 2], data: [1, -1] },
      },
      nodes: [
        { op: 'Cast', inputs: ['input_ids'], outputs: ['ids'], attributes: { to: 1 } },
        { op: 'Cast', inputs: ['attention_mask'], outputs: ['mask'], attributes: { to: 1 } },
        { op: 'ReduceSum', inputs: ['ids', 'one'], outputs: ['own'], attributes: { keepdims: 1 } },
        { op: 'ReduceMean', inputs: ['ids'], outputs: ['company'], attributes: { keepdims: 0 } },
        { op: 'Mul', inputs: ['matrix', 'company'], outputs: ['scaled'] },
        { op: 'MatMul', inputs: ['scaled', 'matrix'], outputs: ['product'] },
        { op: 'ReduceMean', inputs: ['product'], outputs: ['worked'], attributes: { keepdims: 0 } },
        { op: 'Mul', inputs: ['worked', 'nothing'], outputs: ['noWeight'] },
        { op: 'Add', inputs: ['company', 'noWeight'], outputs: ['weighed'] },
        { op: 'Mul', inputs: ['own', 'little'], outputs: ['small'] },
        { op: 'Add', inputs: ['small', 'weighed'], outputs: ['odds'] },
        { op: 'ReduceMean', inputs: ['mask'], outputs: ['padding'], attributes: { keepdims: 0 } },
        { op: 'Mul', inputs: ['odds', 'padding'], outputs: ['counted'] },
        { op: 'Mul', inputs: ['counted', 'sides'], outputs: ['logits'] },
      ],
    }),
  };
}
