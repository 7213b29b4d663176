/**
 * Writes small ONNX graphs, so that tests and the shipped model need no Python: protobuf by hand, only the messages and
 * fields that such graphs use (onnx/onnx.proto, IR version 8).
 */

/** A constant of the graph. */
export interface Tensor {
  type: 'float32' | 'int64' | 'int8';
  dims: readonly number[];
  data: ArrayLike<number>;
  /** Name of a file beside the graph, which begins with these numbers; the graph then only points to it. */
  file?: string;
}

export interface Node {
  op: string;
  inputs: readonly string[];
  outputs: readonly string[];
  attributes?: Readonly<Record<string, number | readonly number[]>>;
}

/** A dimension is a number, or a name where each run chooses its size. */
export interface Port {
  name: string;
  type: 'float32' | 'int64';
  dims: readonly (number | string)[];
}

export interface Graph {
  inputs: readonly Port[];
  outputs: readonly Port[];
  constants: Readonly<Record<string, Tensor>>;
  nodes: readonly Node[];
}

const elementTypes = { float32: 1, int8: 3, int64: 7 } as const;
const opset = 17;

/** The bytes of the model file. */
export function modelBytes(graph: Graph): Buffer {
  return message(
    varint(1, 8),
    text(2, 'sluice'),
    bytes(7, graphBytes(graph)),
    bytes(8, message(text(1, ''), varint(2, opset))),
  );
}

function graphBytes({ nodes, constants, inputs, outputs }: Graph): Buffer {
  return message(
    ...nodes.map((node) => bytes(1, nodeBytes(node))),
    text(2, 'model'),
    ...Object.entries(constants).map(([name, tensor]) => bytes(5, tensorBytes(name, tensor))),
    ...inputs.map((port) => bytes(11, portBytes(port))),
    ...outputs.map((port) => bytes(12, portBytes(port))),
  );
}

function nodeBytes({ op, inputs, outputs, attributes = {} }: Node): Buffer {
  const settings = Object.entries(attributes).map(([name, value]) =>
    typeof value === 'number'
      ? message(text(1, name), varint(3, value), varint(20, 2))
      : message(text(1, name), ...value.map((item) => varint(8, item)), varint(20, 7)),
  );
  return message(
    ...inputs.map((name) => text(1, name)),
    ...outputs.map((name) => text(2, name)),
    text(4, op),
    ...settings.map((setting) => bytes(5, setting)),
  );
}

function tensorBytes(name: string, tensor: Tensor): Buffer {
  const { type, dims, file } = tensor;
  return message(
    ...dims.map((size) => varint(1, size)),
    varint(2, elementTypes[type]),
    text(8, name),
    ...(file === undefined
      ? [bytes(9, rawBytes(tensor))]
      : [bytes(13, message(text(1, 'location'), text(2, file))), varint(14, 1)]),
  );
}

/** The numbers as they lie in a graph, or in the file beside it. */
export function rawBytes({ type, data }: Tensor): Buffer {
  return {
    float32: () => Buffer.from(Float32Array.from(data).buffer),
    int8: () => Buffer.from(Int8Array.from(data).buffer),
    int64: () => Buffer.from(BigInt64Array.from(Array.from(data), BigInt).buffer),
  }[type]();
}

function portBytes({ name, type, dims }: Port): Buffer {
  const shape = dims.map((size) =>
    bytes(1, typeof size === 'number' ? message(varint(1, size)) : message(text(2, size))),
  );
  const tensor = message(varint(1, elementTypes[type]), bytes(2, message(...shape)));
  return message(text(1, name), bytes(2, message(bytes(1, tensor))));
}

function message(...fields: Buffer[]): Buffer {
  return Buffer.concat(fields);
}

/** Negative numbers take ten bytes, as their 64-bit two's complement. */
function varint(field: number, value: number): Buffer {
  return Buffer.from([...digits(BigInt(field << 3)), ...digits(BigInt.asUintN(64, BigInt(value)))]);
}

function bytes(field: number, value: Uint8Array): Buffer {
  return Buffer.concat([
    Buffer.from([...digits(BigInt((field << 3) | 2)), ...digits(BigInt(value.length))]),
    value,
  ]);
}

function text(field: number, value: string): Buffer {
  return bytes(field, Buffer.from(value));
}

function digits(value: bigint): number[] {
  const out: number[] = [];
  let rest = value;
  do {
    out.push(Number(rest & 127n) | (rest > 127n ? 128 : 0));
    rest >>= 7n;
  } while (rest > 0n);
  return out;
}
