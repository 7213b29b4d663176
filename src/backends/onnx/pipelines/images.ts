import { type Binary, Unanswerable } from '../../../tasks/task.ts';
import type { Question } from '../../backend.ts';
import { type Activation, activated, predictionsOf } from '../heads/scores.ts';
import { labelsOf } from '../architecture.ts';
import type { JsonObject } from '../../../tasks/shapes.ts';
import { unheededByModel } from '../parameters.ts';
import type { WorkerSetup } from '../protocol.ts';
import { RowRunner } from '../row-runner.ts';
import type { Runner } from '../runner.ts';
import { offlineTransformers, openPipeline, type Transformers } from './open.ts';
import { decodedBytes, type Picture, pictureOf, pngOf } from './picture.ts';

type Image = InstanceType<Transformers['RawImage']>;

/** What the API answers where the job says nothing (its documentation; transformers.js has 0.9). */
const usual = { threshold: 0.5, topK: 5 };

interface ClassifierPipeline {
  processor: (images: Image[]) => Promise<{ pixel_values: unknown }>;
  model: (inputs: { pixel_values: unknown }) => Promise<{ logits: { data: Float32Array } }>;
}

interface Detection {
  label: string;
  score: number;
  box: { xmin: number; ymin: number; xmax: number; ymax: number };
}

interface Segment {
  label: string | null;
  score: number | null;
  mask: Image;
}

/** Labels for an image. @throws {SluiceError} MODEL_DAMAGED, ONNX_NOT_INSTALLED */
export async function imageClassification(setup: WorkerSetup, config: JsonObject): Promise<Runner> {
  const library = await offlineTransformers();
  const pipeline = await openPipeline<ClassifierPipeline>(library, 'image-classification', setup);
  return new RowRunner({
    read: async (question) => pipeline.processor([await imageOf(library, question)]),
    mayReadAhead: isSmall,
    answer: async ({ parameters }, { pixel_values }) => {
      const { logits } = await pipeline.model({ pixel_values });
      return classified(setup.name, config, logits.data, parameters);
    },
  });
}

/**
 * All labels of one row of outputs, as the API picks and scores them; image and audio alike.
 * @throws {SluiceError} MODEL_DAMAGED
 */
export function classified(
  name: string,
  config: JsonObject,
  logits: Float32Array,
  parameters: Readonly<Record<string, unknown>>,
) {
  const labels = labelsOf(name, config, logits.length);
  const several = logits.length > 1 && config.problem_type !== 'multi_label_classification';
  const activation =
    (parameters.function_to_apply as Activation | undefined) ?? (several ? 'softmax' : 'sigmoid');
  const topK = (parameters.top_k as number | undefined) ?? usual.topK;
  return predictionsOf(labels, activated(logits, activation), topK);
}

/** Boxes around the things in an image. @throws {SluiceError} MODEL_DAMAGED, ONNX_NOT_INSTALLED */
export async function objectDetection(setup: WorkerSetup): Promise<Runner> {
  const library = await offlineTransformers();
  type Detect = (image: Image, options: { threshold: number }) => Promise<Detection[]>;
  const detect = await openPipeline<Detect>(library, 'object-detection', setup);
  return new RowRunner({
    read: (question) => imageOf(library, question),
    mayReadAhead: isSmall,
    answer: ({ parameters }, image) =>
      detect(image, { threshold: (parameters.threshold as number | undefined) ?? usual.threshold }),
  });
}

/** Masks of the segments of an image, as PNG in base64. @throws {SluiceError} MODEL_DAMAGED, ONNX_NOT_INSTALLED */
export async function imageSegmentation(setup: WorkerSetup, config: JsonObject): Promise<Runner> {
  const library = await offlineTransformers();
  type Segmenter = (image: Image, options: Record<string, unknown>) => Promise<Segment[]>;
  const segment = await openPipeline<Segmenter>(library, 'image-segmentation', setup);
  return new RowRunner({
    read: (question) => imageOf(library, question),
    mayReadAhead: isSmall,
    answer: async ({ parameters }, image) => {
      // Values of the row; those of the job file are refused before the first row.
      const unheeded = unheededByModel(config, parameters);
      if (unheeded !== undefined) throw new Unanswerable(unheeded);
      // The subtask is then the one that the pipeline takes by itself; given its name it fails.
      const { subtask: _, ...options } = parameters;
      const segments = await segment(image, options);
      return Promise.all(
        segments.map(async ({ label, score, mask }) => ({
          label: label ?? '',
          score,
          mask: Buffer.from(await pngOf(Uint8Array.from(mask.data), mask.width, mask.height)).toString(
            'base64',
          ),
        })),
      );
    },
  });
}

/** Decoded bytes of an image that may wait beside the one that the model works on: 21 megapixels. */
const mostAhead = 64 * 1024 * 1024;

async function isSmall({ inputs }: Question): Promise<boolean> {
  return (await decodedBytes(inputs.image as Binary)) <= mostAhead;
}

/** @throws {Unanswerable} */
async function imageOf({ RawImage }: Transformers, { inputs }: Question): Promise<Image> {
  const { data, width, height }: Picture = await pictureOf(inputs.image as Binary);
  return new RawImage(data, width, height, 3);
}
