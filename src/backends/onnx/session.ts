import { join } from 'node:path';
import type { InferenceSession, Tensor } from 'onnxruntime-node';
import { messageOf, SluiceError } from '../../errors.ts';
import { heavy } from './heavy.ts';

/** An output of a run: numbers in row-major order, with the shape. */
export interface Output {
  data: Float32Array;
  dims: readonly number[];
}

/** Numbers for an input of a run. */
export type Input =
  | { type: 'ids'; data: Int32Array; dims: readonly number[] }
  | { type: 'float32'; data: Float32Array; dims: readonly number[] };

export interface SessionOptions {
  /** The model's name, for messages. */
  name: string;
  threads: number;
  /** `cpu`, `cuda`, … */
  device: string;
}

/** One ONNX graph, loaded. A run blocks the thread that asks for it. */
export class Session {
  readonly #session: InferenceSession;
  readonly #tensor: typeof Tensor;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];

  private constructor(session: InferenceSession, tensor: typeof Tensor) {
    this.#session = session;
    this.#tensor = tensor;
    this.inputs = session.inputNames;
    this.outputs = session.outputNames;
  }

  /** @throws {SluiceError} ONNX_NOT_INSTALLED, ONNX_DEVICE, MODEL_FILE, MODEL_DAMAGED */
  static async open(folder: string, file: string, options: SessionOptions): Promise<Session> {
    const ort = await heavy('onnxruntime-node', () => import('onnxruntime-node'));
    const path = join(folder, file);
    try {
      const session = await ort.InferenceSession.create(path, {
        executionProviders: options.device === 'cpu' ? ['cpu'] : [options.device, 'cpu'],
        intraOpNumThreads: options.threads,
        interOpNumThreads: 1,
        // Warnings are about the graph and say nothing that a user of it could mend.
        logSeverityLevel: 3,
        // Threads that wait by spinning take the cores of the other workers.
        extra: { session: { intra_op: { allow_spinning: '0' } } },
      });
      return new Session(session, ort.Tensor);
    } catch (error) {
      if (options.device !== 'cpu' && /provider|shared library|device/i.test(messageOf(error)))
        throw noDevice(options.device, error);
      throw unloadable(options.name, error);
    }
  }

  /** The fixed size of a dimension of an input; undefined where a run may choose it, or the input is not there. */
  fixedSize(input: string, dimension: number): number | undefined {
    const found = this.#session.inputMetadata.find(({ name }) => name === input);
    const size = found?.isTensor ? found.shape[dimension] : undefined;
    return typeof size === 'number' ? size : undefined;
  }

  /** @throws what ONNX Runtime says */
  async run(
    inputs: Readonly<Record<string, Input>>,
    wanted: readonly string[],
  ): Promise<Record<string, Output>> {
    const feeds: Record<string, Tensor> = {};
    for (const [name, input] of Object.entries(inputs)) feeds[name] = this.#feed(name, input);
    const results = await this.#session.run(feeds, [...wanted]);
    const outputs: Record<string, Output> = {};
    for (const name of wanted) {
      const { data, dims, type } = results[name]!;
      outputs[name] = { data: type === 'float16' ? fromHalf(data as Uint16Array) : floats(data), dims };
    }
    return outputs;
  }

  #feed(name: string, input: Input): Tensor {
    const { data, dims } = input;
    if (input.type === 'float32') return new this.#tensor('float32', input.data, dims);
    const found = this.#session.inputMetadata.find((metadata) => metadata.name === name);
    if (found?.isTensor && found.type === 'int32') return new this.#tensor('int32', data as Int32Array, dims);
    return new this.#tensor('int64', widened(data as Int32Array), dims);
  }
}

/** 64-bit numbers through the low words of their buffer: a BigInt for each token would cost more than the rest. */
function widened(ids: Int32Array): BigInt64Array {
  const wide = new BigInt64Array(ids.length);
  const words = new Int32Array(wide.buffer);
  for (let i = 0; i < ids.length; i++) words[2 * i] = ids[i]!;
  return wide;
}

function floats(data: Tensor['data']): Float32Array {
  if (data instanceof Float32Array) return data;
  if (Array.isArray(data)) throw new Error('the model gives texts where numbers were expected');
  return Float32Array.from(data as ArrayLike<number | bigint>, Number);
}

/** IEEE 754 half precision, which comes as its bits, in single precision. */
export function fromHalf(bits: Uint16Array): Float32Array {
  return Float32Array.from(bits, (half) => {
    const exponent = (half >> 10) & 31;
    const fraction = half & 1023;
    const sign = half & 0x8000 ? -1 : 1;
    if (exponent === 0) return sign * fraction * 2 ** -24;
    if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
    return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
  });
}

/** Why ONNX Runtime does not load a graph. */
export function unloadable(name: string, error: unknown): SluiceError {
  const why = messageOf(error);
  const [, missing] = /External data path does not exist: "([^"]+)"/.exec(why) ?? [];
  if (missing !== undefined)
    return new SluiceError(
      'MODEL_FILE',
      `model ${name}: ${missing} is missing; the graph has weights in it`,
      {
        next: 'copy or pull the model again, with the files of weights that lie beside the .onnx file',
        cause: error,
      },
    );
  return new SluiceError('MODEL_DAMAGED', `model ${name}: cannot be loaded: ${why.trim()}`, {
    next: 'copy or pull the model again, or choose another one',
    cause: error,
  });
}

function noDevice(device: string, error: unknown): SluiceError {
  return new SluiceError('ONNX_DEVICE', `backend.device ${device}: cannot be used: ${messageOf(error)}`, {
    next:
      device === 'cuda'
        ? 'install CUDA 12 and cuDNN, then `ONNXRUNTIME_NODE_INSTALL=cuda12 npm rebuild onnxruntime-node`; or set backend.device: cpu'
        : 'set backend.device: cpu',
    cause: error,
  });
}
