import { basename, dirname, resolve } from 'node:path';
import { messageOf, SluiceError } from '../../../errors.ts';
import { heavy } from '../heavy.ts';
import type { WorkerSetup } from '../protocol.ts';
import { unloadable } from '../session.ts';

/** The library, loaded. */
export type Transformers = typeof import('@huggingface/transformers');

/** Number formats as transformers.js tells them from a file's name; the longest ending first. */
const dtypes = [
  ['_quantized', 'q8'],
  ['_q4f16', 'q4f16'],
  ['_uint8', 'uint8'],
  ['_int8', 'int8'],
  ['_fp16', 'fp16'],
  ['_bnb4', 'bnb4'],
  ['_q4', 'q4'],
] as const;

/**
 * transformers.js, cut off from the network: it asks the hub for what it does not find in the folder, and
 * `local_files_only` does not keep it from that.
 * @throws {SluiceError} ONNX_NOT_INSTALLED
 */
export async function offlineTransformers(): Promise<Transformers> {
  const library = await heavy('@huggingface/transformers', () => import('@huggingface/transformers'));
  const { env } = library;
  env.allowRemoteModels = false;
  env.allowLocalModels = true;
  env.useFSCache = false;
  env.fetch = (address) =>
    Promise.reject(new Error(`${String(address)} is not asked for: the model is local`));
  return library;
}

/**
 * A pipeline of transformers.js over the model's folder.
 * @param type its name there
 * @throws {SluiceError} MODEL_TASK, MODEL_FILE, MODEL_DAMAGED, ONNX_NOT_INSTALLED
 */
export async function openPipeline<T>(library: Transformers, type: string, setup: WorkerSetup): Promise<T> {
  const folder = resolve(setup.model.folder);
  const [file = ''] = Object.values(setup.model.files);
  library.env.localModelPath = dirname(folder);
  const open = library.pipeline as unknown as (type: string, model: string, options: object) => Promise<T>;
  try {
    return await open(type, basename(folder), {
      dtype: dtypes.find(([ending]) => file.endsWith(`${ending}.onnx`))?.[1] ?? 'fp32',
      device: setup.device,
      ...(file.startsWith('onnx/') ? undefined : { subfolder: '' }),
      session_options: {
        intraOpNumThreads: setup.threads,
        interOpNumThreads: 1,
        logSeverityLevel: 3,
        extra: { session: { intra_op: { allow_spinning: '0' } } },
      },
    });
  } catch (error) {
    const why = messageOf(error);
    if (why.startsWith('Unsupported model type'))
      throw new SluiceError('MODEL_TASK', `model ${setup.name}: cannot do ${setup.task} here: ${why}`, {
        next: 'model_type in config.json must be one that transformers.js has this task for',
        cause: error,
      });
    throw unloadable(setup.name, error);
  }
}
