import { modelBytes, type Node, type Tensor } from './graph.ts';

/** The shape of a BERT encoder. */
export interface EncoderShape {
  layers: number;
  width: number;
  heads: number;
  vocabulary: number;
  /**
   * Weights in 8 bits, words included, with inputs that are quantised at each run, as `optimum-cli onnxruntime quantize` and
   * the hub's `model_quantized.onnx` have them: 23 MB for all-MiniLM-L6-v2.
   */
  quantised: boolean;
  /** Labels of a classifier; its output is `logits` then. */
  labels?: number;
}

/** all-MiniLM-L6-v2. */
export const miniLm = { layers: 6, width: 384, heads: 12, vocabulary: 30_522 };

/** distilbert-base-uncased-finetuned-sst-2-english, which the API answers text-classification with when no model is named. */
export const distilBert = { layers: 6, width: 768, heads: 12, vocabulary: 30_522, labels: 2 };

/** A small classifier. */
export const smallClassifier = { layers: 4, width: 256, heads: 4, vocabulary: 30_522, labels: 2 };

/**
 * An encoder of a real one's shape with random weights: its speed is that of the real one, because the speed does not
 * depend on the numbers. Its output is `last_hidden_state`, or `logits` from the first token.
 */
export function encoderBytes({ layers, width, heads, vocabulary, quantised, labels }: EncoderShape): Buffer {
  const constants: Record<string, Tensor> = {};
  const nodes: Node[] = [];
  let state = 1;
  const random = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32 - 0.5;
  };
  const floats = (name: string, dims: number[], value: () => number) => {
    const size = dims.reduce((product, n) => product * n, 1);
    constants[name] = { type: 'float32', dims, data: Float32Array.from({ length: size }, value) };
  };
  const ints = (name: string, ...data: number[]) => {
    constants[name] = { type: 'int64', dims: [data.length], data };
  };
  const inBytes = (name: string, dims: [number, number], scale: number) => {
    const data = Int8Array.from({ length: dims[0] * dims[1] }, () => Math.round(random() * 254));
    constants[`${name}.w`] = { type: 'int8', dims, data };
    constants[`${name}.zero`] = { type: 'int8', dims: [], data: [0] };
    constants[`${name}.scale`] = { type: 'float32', dims: [], data: [scale] };
  };
  const add = (op: string, inputs: string[], output: string, attributes?: Node['attributes']) => {
    nodes.push({ op, inputs, outputs: [output], ...(attributes === undefined ? {} : { attributes }) });
    return output;
  };
  const linear = (input: string, name: string, from: number, to: number) => {
    floats(`${name}.b`, [to], random);
    return add(
      'Add',
      [quantised ? product8(input, name, from, to) : product32(input, name, from, to), `${name}.b`],
      name,
    );
  };
  const product32 = (input: string, name: string, from: number, to: number) => {
    floats(`${name}.w`, [from, to], () => random() * 0.1);
    return add('MatMul', [input, `${name}.w`], `${name}.product`);
  };
  const product8 = (input: string, name: string, from: number, to: number) => {
    inBytes(name, [from, to], 0.0004);
    const [small, scale, zero] = ['q', 's', 'z'].map((part) => `${name}.${part}`) as [string, string, string];
    nodes.push({ op: 'DynamicQuantizeLinear', inputs: [input], outputs: [small, scale, zero] });
    add('MatMulInteger', [small, `${name}.w`, zero, `${name}.zero`], `${name}.whole`);
    add('Cast', [`${name}.whole`], `${name}.float`, { to: 1 });
    add('Mul', [scale, `${name}.scale`], `${name}.scales`);
    return add('Mul', [`${name}.float`, `${name}.scales`], `${name}.product`);
  };
  const norm = (input: string, name: string) => {
    floats(`${name}.gain`, [width], () => 1);
    floats(`${name}.bias`, [width], () => 0);
    return add('LayerNormalization', [input, `${name}.gain`, `${name}.bias`], name, { axis: -1 });
  };
  floats('positions', [512, width], random);
  floats('one', [1], () => 1);
  floats('far', [1], () => -10_000);
  floats('scale', [1], () => 1 / Math.sqrt(width / heads));
  floats('half', [1], () => 0.5);
  floats('root', [1], () => Math.SQRT1_2);
  ints('split', 0, 0, heads, width / heads);
  ints('join', 0, 0, width);
  ints('axes', 1, 2);
  constants.first = { type: 'int64', dims: [], data: [1] };
  constants.start = { type: 'int64', dims: [], data: [0] };
  add('Shape', ['input_ids'], 'shape');
  add('Gather', ['shape', 'first'], 'length');
  add('Range', ['start', 'length', 'first'], 'places');
  add('Gather', ['positions', 'places'], 'placed');
  if (quantised) {
    inBytes('words', [vocabulary, width], 0.004);
    add('Gather', ['words.w', 'input_ids'], 'embedded8');
    add('DequantizeLinear', ['embedded8', 'words.scale', 'words.zero'], 'embedded');
  } else {
    floats('words.w', [vocabulary, width], random);
    add('Gather', ['words.w', 'input_ids'], 'embedded');
  }
  let x = norm(add('Add', ['embedded', 'placed'], 'summed'), 'x0');
  add('Cast', ['attention_mask'], 'present', { to: 1 });
  add('Sub', ['one', 'present'], 'absent');
  add('Mul', ['absent', 'far'], 'flat');
  add('Unsqueeze', ['flat', 'axes'], 'mask');
  for (let i = 0; i < layers; i++) {
    const part = (kind: string, perm: number[]) => {
      add('Reshape', [linear(x, `${kind}${i}`, width, width), 'split'], `${kind}${i}.split`);
      return add('Transpose', [`${kind}${i}.split`], `${kind}${i}.heads`, { perm });
    };
    const [q, k, v] = [part('q', [0, 2, 1, 3]), part('k', [0, 2, 3, 1]), part('v', [0, 2, 1, 3])];
    add('Mul', [add('MatMul', [q, k], `dots${i}`), 'scale'], `scaled${i}`);
    add('Softmax', [add('Add', [`scaled${i}`, 'mask'], `masked${i}`)], `shares${i}`, { axis: -1 });
    add('Transpose', [add('MatMul', [`shares${i}`, v], `seen${i}`)], `turned${i}`, { perm: [0, 2, 1, 3] });
    const seen = linear(add('Reshape', [`turned${i}`, 'join'], `joined${i}`), `o${i}`, width, width);
    const attended = norm(add('Add', [x, seen], `res${i}`), `norm${i}`);
    const inner = linear(attended, `in${i}`, width, 4 * width);
    add('Erf', [add('Mul', [inner, 'root'], `rooted${i}`)], `erf${i}`);
    add('Mul', [inner, add('Add', [`erf${i}`, 'one'], `erf1${i}`)], `gated${i}`);
    const outer = linear(add('Mul', [`gated${i}`, 'half'], `gelu${i}`), `out${i}`, 4 * width, width);
    x = norm(add('Add', [attended, outer], `sum${i}`), i === layers - 1 ? 'last_hidden_state' : `x${i + 1}`);
  }
  const output = { name: x, dims: ['batch', 'tokens', width] as (string | number)[] };
  if (labels !== undefined) {
    add('Gather', [x, 'start'], 'cls', { axis: 1 });
    Object.assign(output, { name: linear('cls', 'logits', width, labels), dims: ['batch', labels] });
  }
  return modelBytes({
    inputs: ['input_ids', 'attention_mask'].map((name) => ({
      name,
      type: 'int64',
      dims: ['batch', 'tokens'],
    })),
    outputs: [{ ...output, type: 'float32' }],
    constants,
    nodes,
  });
}
