import { messageOf, SluiceError } from '../../errors.ts';

/** The parts that only a local model needs; they are installed by choice and loaded inside the workers. */
export const heavyParts = [
  'onnxruntime-node',
  '@huggingface/transformers',
  '@anush008/tokenizers',
  'sharp',
  '@wasm-audio-decoders/flac',
  'mpg123-decoder',
  '@wasm-audio-decoders/ogg-vorbis',
  'ogg-opus-decoder',
] as const;

type HeavyPart = (typeof heavyParts)[number];

/**
 * Loads one of them.
 * @throws {SluiceError} ONNX_NOT_INSTALLED, with the line that installs them
 */
export async function heavy<T>(name: HeavyPart, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (error) {
    throw notInstalled(name, error);
  }
}

/** Whether it can be found, without loading it. @throws {SluiceError} ONNX_NOT_INSTALLED */
export function requireInstalled(name: HeavyPart): void {
  try {
    import.meta.resolve(name);
  } catch (error) {
    throw notInstalled(name, error);
  }
}

function notInstalled(name: HeavyPart, error: unknown): SluiceError {
  return new SluiceError(
    'ONNX_NOT_INSTALLED',
    `backend onnx: ${name} cannot be loaded: ${messageOf(error)}`,
    {
      next: `ONNXRUNTIME_NODE_INSTALL=skip npm install ${heavyParts.join(' ')}`,
      cause: error,
    },
  );
}
