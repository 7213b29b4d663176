import { hash } from 'node:crypto';
import type { JsonObject } from '../../../tasks/shapes.ts';
import { type Binary, type Parameters, Unanswerable } from '../../../tasks/task.ts';
import type { Question } from '../../backend.ts';
import { architectureOf } from '../architecture.ts';
import { modelJson } from '../model.ts';
import { unheededByModel } from '../parameters.ts';
import type { WorkerSetup } from '../protocol.ts';
import { RowRunner } from '../row-runner.ts';
import type { Runner } from '../runner.ts';
import { Tokenizer } from '../tokenizer.ts';
import { classified } from './images.ts';
import { generateOptions, seed } from './generate-options.ts';
import { offlineTransformers, openPipeline } from './open.ts';
import { soundOf } from './read-sound.ts';
import { resampled } from './resample.ts';

const usualRate = 16_000;

interface Tensor {
  data: Float32Array;
  dims: number[];
}

interface SpeechPipeline {
  (samples: Float32Array, options: Record<string, unknown>): Promise<SpeechAnswer>;
  processor: (samples: Float32Array) => Promise<Record<string, unknown>>;
  model: (inputs: Record<string, unknown>) => Promise<{ logits: Tensor }>;
}

interface SpeechAnswer {
  text: string;
  chunks?: { text: string; timestamp: [number, number | null] }[];
}

/** Labels for a sound. @throws {SluiceError} MODEL_DAMAGED, ONNX_NOT_INSTALLED */
export async function audioClassification(setup: WorkerSetup, config: JsonObject): Promise<Runner> {
  const { folder } = setup.model;
  const pipeline = await openPipeline<SpeechPipeline>(
    await offlineTransformers(),
    'audio-classification',
    setup,
  );
  const rate = rateOf(folder);
  return new RowRunner({
    read: ({ inputs }) => samplesOf(inputs.audio as Binary, rate),
    mayReadAhead: isSmall,
    answer: async ({ parameters }, samples) => {
      const { logits } = await pipeline.model(await pipeline.processor(samples));
      return classified(setup.name, config, logits.data, parameters);
    },
  });
}

/** What is said in a sound. @throws {SluiceError} MODEL_DAMAGED, ONNX_NOT_INSTALLED */
export async function speechRecognition(setup: WorkerSetup, config: JsonObject): Promise<Runner> {
  const { folder } = setup.model;
  const library = await offlineTransformers();
  const pipeline = await openPipeline<SpeechPipeline>(library, 'automatic-speech-recognition', setup);
  const rate = rateOf(folder);
  const ctc = architectureOf(config)?.endsWith('ForCTC');
  const tokenizer = await Tokenizer.open(folder, config);
  const delimiter = modelJson(folder, 'tokenizer_config.json')?.word_delimiter_token;
  return new RowRunner({
    read: ({ inputs }) => samplesOf(inputs.audio as Binary, rate),
    mayReadAhead: isSmall,
    answer: async ({ inputs, parameters }, samples) => {
      // Values of the row; those of the job file are refused before the first row.
      const unheeded = unheededByModel(config, parameters);
      if (unheeded !== undefined) throw new Unanswerable(unheeded);
      if (ctc) {
        const { logits } = await pipeline.model(await pipeline.processor(samples));
        return {
          text: greedyCtc(logits, tokenizer.padId, (id) => tokenizer.tokenOf(id), String(delimiter ?? '|')),
        };
      }
      const generating = (parameters.generation_parameters ?? {}) as Parameters;
      seed(library, hash('sha256', (inputs.audio as Binary).bytes), generating);
      const { text, chunks } = await pipeline(samples, {
        ...(parameters.return_timestamps === undefined
          ? undefined
          : { return_timestamps: parameters.return_timestamps }),
        ...generateOptions(library, generating),
      });
      return { text: text.trim(), ...(chunks === undefined ? undefined : { chunks }) };
    },
  });
}

/**
 * The most probable token of each frame, repeats merged, blanks dropped. The blank goes last: it is what tells a double
 * letter from a long one, and a tokenizer that drops it first makes HELO of HELLO.
 */
export function greedyCtc(
  { data, dims }: Tensor,
  blank: number,
  tokenOf: (id: number) => string,
  delimiter: string,
): string {
  const [frames, size] = dims.slice(-2) as [number, number];
  let text = '';
  let last = -1;
  for (let frame = 0; frame < frames; frame++) {
    let best = 0;
    for (let id = 1; id < size; id++) if (data[frame * size + id]! > data[frame * size + best]!) best = id;
    if (best !== last && best !== blank) text += tokenOf(best);
    last = best;
  }
  return text.replaceAll(delimiter, ' ').replace(/ +/g, ' ').trim();
}

/** Bytes of a sound that may be held decoded beside the one that the model works on; decoded it is ten times as large. */
const mostAhead = 8 * 1024 * 1024;

async function isSmall({ inputs }: Question): Promise<boolean> {
  return (inputs.audio as Binary).bytes.length <= mostAhead;
}

function rateOf(folder: string): number {
  const rate = modelJson(folder, 'preprocessor_config.json')?.sampling_rate;
  return typeof rate === 'number' ? rate : usualRate;
}

/** @throws {Unanswerable} */
async function samplesOf({ bytes }: Binary, rate: number): Promise<Float32Array> {
  const samples = resampled(await soundOf(bytes), rate);
  if (samples.length === 0) throw new Unanswerable('the sound is empty');
  return samples;
}
