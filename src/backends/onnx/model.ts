import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { messageOf, SluiceError } from '../../errors.ts';
import { isObject, type JsonObject } from '../../tasks/shapes.ts';

/** Number formats of a model's weights, as the job file names them. */
export type Dtype = 'auto' | 'fp32' | 'fp16' | 'q8' | 'q4';

/** A model on this machine: a folder in the layout of the Hugging Face hub, and which weights of it to use. */
export interface LocalModel {
  folder: string;
  /** `onnx/model.onnx` for `model`; encoder and decoder for models that have both. Relative to the folder. */
  files: Record<string, string>;
  /** What was found; never `auto`. */
  dtype: Exclude<Dtype, 'auto'>;
}

/** Files beside the weights that a model is made of, relative to its folder. */
export const companions =
  /^(?:[^/]+\.json|[^/]+\.jinja|[^/]+\.model|vocab\.txt|merges\.txt|\d_[^/]+\/config\.json)$/;

/** Endings of file names by number format, in the order in which exporters came to use them. */
const endings: Record<Exclude<Dtype, 'auto'>, readonly string[]> = {
  fp32: [''],
  q8: ['_quantized', '_int8', '_uint8'],
  fp16: ['_fp16'],
  q4: ['_q4', '_q4f16', '_bnb4'],
};

/** The order in which `auto` looks: the original numbers first. fp16 is slow on a CPU. */
const autoOrder = ['fp32', 'q8', 'fp16', 'q4'] as const;

/**
 * The weights of a model.
 * @param names base names, all of which are needed: `['model']`, or `['encoder_model', 'decoder_model_merged']`
 * @throws {SluiceError} MODEL_FILE, exit 3, naming what is missing and what is there
 */
export function weightsOf(folder: string, names: readonly string[], dtype: Dtype): LocalModel {
  const present = onnxFiles(folder);
  for (const candidate of dtype === 'auto' ? autoOrder : [dtype]) {
    const files: Record<string, string> = {};
    for (const name of names) {
      const found = endings[candidate]
        .flatMap((ending) => [`onnx/${name}${ending}.onnx`, `${name}${ending}.onnx`])
        .find((file) => present.includes(file));
      if (found !== undefined) files[name] = found;
    }
    if (Object.keys(files).length === names.length) return { folder, files, dtype: candidate };
  }
  const wanted = names.map((name) => `onnx/${name}${dtype === 'auto' ? '' : endings[dtype][0]}.onnx`);
  const there = present.length === 0 ? 'it has no .onnx file' : `it has ${present.join(', ')}`;
  throw new SluiceError('MODEL_FILE', `model ${folder}: ${wanted.join(' and ')} is missing; ${there}`, {
    next:
      dtype === 'auto'
        ? 'export the model to ONNX (optimum-cli export onnx), or choose one that has an onnx/ folder'
        : `set backend.dtype to one that is there, or leave it out`,
  });
}

/** Number format of a graph by its file's name; the longest ending counts. */
function dtypeOf(file: string): Exclude<Dtype, 'auto'> {
  const found = autoOrder.find((dtype) =>
    endings[dtype].some((ending) => ending !== '' && file.endsWith(`${ending}.onnx`)),
  );
  return found ?? 'fp32';
}

/** The number formats in which a model has its weights. */
export function dtypesOf(files: readonly string[]): Exclude<Dtype, 'auto'>[] {
  return autoOrder.filter((dtype) => files.some((file) => dtypeOf(file) === dtype));
}

/** The files among these in one number format; `auto` takes the one that a run would. One file of each graph. */
export function dtypeFiles(files: readonly string[], dtype: Dtype): string[] {
  const wanted = dtype === 'auto' ? dtypesOf(files)[0] : dtype;
  const graphs = new Map<string, string>();
  for (const ending of wanted === undefined ? [] : endings[wanted]) {
    for (const file of files) {
      if (dtypeOf(file) !== wanted || !file.endsWith(`${ending}.onnx`)) continue;
      const graph = file.slice(0, file.length - `${ending}.onnx`.length);
      if (!graphs.has(graph)) graphs.set(graph, file);
    }
  }
  return [...graphs.values()];
}

/** The ONNX files of a model, relative to its folder. */
export function onnxFiles(folder: string): string[] {
  return ['onnx', '.'].flatMap((inside) => {
    const path = join(folder, inside);
    if (!existsSync(path)) return [];
    return readdirSync(path)
      .filter((name) => name.endsWith('.onnx'))
      .map((name) => (inside === '.' ? name : `${inside}/${name}`))
      .sort();
  });
}

/** Whether a file is a graph, or holds weights of it: `model.onnx_data`, `model.onnx_data_1`, `model.onnx.data`. */
export function belongsTo(graph: string, name: string): boolean {
  return name === graph || name.startsWith(`${graph}_data`) || name === `${graph}.data`;
}

/** The files of the weights, those beside the graph included; relative to the folder. */
function weightFiles({ folder, files }: LocalModel): string[] {
  return Object.values(files).flatMap((file) => {
    const around = dirname(file);
    return readdirSync(join(folder, around))
      .filter((name) => belongsTo(basename(file), name))
      .map((name) => (around === '.' ? name : `${around}/${name}`));
  });
}

/** Bytes of the weights. */
export function weightBytes(model: LocalModel): number {
  return weightFiles(model).reduce((bytes, file) => bytes + statSync(join(model.folder, file)).size, 0);
}

/** The files that a model's answers hang on: its weights, and the companions that are there. */
export function decidingFiles(model: LocalModel): string[] {
  const { folder } = model;
  const inner = readdirSync(folder).filter((name) => /^\d_/.test(name));
  const small = [...readdirSync(folder), ...inner.map((name) => `${name}/config.json`)].filter(
    (name) => companions.test(name) && existsSync(join(folder, name)),
  );
  return [...new Set([...small, ...weightFiles(model)])].sort();
}

/**
 * A JSON file of the model that holds an object; undefined where there is none.
 * @throws {SluiceError} MODEL_DAMAGED, exit 3
 */
export function modelJson(folder: string, name: string): JsonObject | undefined {
  const value = readModelJson(folder, name);
  if (value === undefined || isObject(value)) return value;
  throw new SluiceError('MODEL_DAMAGED', `model ${folder}: ${name} is not a JSON object`);
}

/** A JSON file of the model; undefined where there is none. @throws {SluiceError} MODEL_DAMAGED, exit 3 */
export function readModelJson(folder: string, name: string): unknown {
  const path = join(folder, name);
  if (!existsSync(path)) return undefined;
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new SluiceError('MODEL_DAMAGED', `model ${folder}: ${name} cannot be read: ${messageOf(error)}`, {
      next: 'copy or pull the model again',
      cause: error,
    });
  }
}

/** `config.json`, which every model has. @throws {SluiceError} MODEL_FILE, MODEL_DAMAGED */
export function modelConfig(folder: string): JsonObject {
  const config = modelJson(folder, 'config.json');
  if (config !== undefined) return config;
  throw new SluiceError('MODEL_FILE', `model ${folder}: config.json is missing`, {
    next: 'a model is a folder with config.json, tokenizer.json and onnx/model.onnx, as on the Hugging Face hub',
  });
}
