import { type ModelFiles, wordTokenizer } from './files.ts';
import { modelBytes, type Node, type Tensor } from './graph.ts';

export interface LookupModel {
  /** The vocabulary behind `[PAD]`, `[UNK]`, `[CLS]`, `[SEP]`, `[MASK]`, each word with its numbers. */
  words: Readonly<Record<string, readonly number[]>>;
  /** Numbers of any other token. */
  other: readonly number[];
  /** `tokens`: the numbers of each token; `sum`: their sum over the text; `spans`: two columns as start and end. */
  shape: 'tokens' | 'sum' | 'spans';
  /** Name of the output; `spans` has two of its own. */
  output?: string;
  config: Record<string, unknown>;
  maxLength?: number;
}

const marks = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]'];

/**
 * An encoder whose outputs are looked up, token by token: what a task makes of outputs can then be told by hand.
 */
export function lookupModel({
  words,
  other,
  shape,
  output = 'logits',
  config,
  maxLength = 64,
}: LookupModel): ModelFiles {
  const names = Object.keys(words).filter((word) => !marks.includes(word));
  const size = other.length;
  const rows = [...marks, ...names].map((name) => words[name] ?? other);
  const column = (i: number): Tensor => ({
    type: 'float32',
    dims: [rows.length],
    data: rows.map((row) => row[i]!),
  });
  const table: Tensor = { type: 'float32', dims: [rows.length, size], data: rows.flat() };
  const parts = {
    tokens: {
      constants: { table },
      nodes: [{ op: 'Gather', inputs: ['table', 'input_ids'], outputs: [output] }],
      outputs: [{ name: output, type: 'float32' as const, dims: ['batch', 'tokens', size] }],
    },
    sum: {
      constants: { table, one: ints([1]), two: ints([2]) },
      nodes: [
        { op: 'Gather', inputs: ['table', 'input_ids'], outputs: ['found'] },
        { op: 'Cast', inputs: ['attention_mask'], outputs: ['mask'], attributes: { to: 1 } },
        { op: 'Unsqueeze', inputs: ['mask', 'two'], outputs: ['wide'] },
        { op: 'Mul', inputs: ['found', 'wide'], outputs: ['counted'] },
        { op: 'ReduceSum', inputs: ['counted', 'one'], outputs: [output], attributes: { keepdims: 0 } },
      ],
      outputs: [{ name: output, type: 'float32' as const, dims: ['batch', size] }],
    },
    spans: {
      constants: { starts: column(0), ends: column(1) },
      nodes: [
        { op: 'Gather', inputs: ['starts', 'input_ids'], outputs: ['start_logits'] },
        { op: 'Gather', inputs: ['ends', 'input_ids'], outputs: ['end_logits'] },
      ],
      outputs: ['start_logits', 'end_logits'].map((name) => ({
        name,
        type: 'float32' as const,
        dims: ['batch', 'tokens'],
      })),
    },
  }[shape];
  const inputs = shape === 'sum' ? ['input_ids', 'attention_mask'] : ['input_ids'];
  return {
    'config.json': JSON.stringify({ model_type: 'bert', pad_token_id: 0, ...config }),
    'tokenizer.json': wordTokenizer(names, true),
    'tokenizer_config.json': JSON.stringify({
      model_max_length: maxLength,
      pad_token: '[PAD]',
      unk_token: '[UNK]',
      mask_token: '[MASK]',
    }),
    'onnx/model.onnx': modelBytes({
      inputs: inputs.map((name) => ({ name, type: 'int64', dims: ['batch', 'tokens'] })),
      outputs: parts.outputs,
      constants: parts.constants as Record<string, Tensor>,
      nodes: parts.nodes as Node[],
    }),
  };
}

function ints(data: readonly number[]): Tensor {
  return { type: 'int64', dims: [data.length], data };
}
