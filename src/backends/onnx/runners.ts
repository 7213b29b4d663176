import { SluiceError } from '../../errors.ts';
import type { JsonObject } from '../../tasks/shapes.ts';
import type { Question } from '../backend.ts';
import { Encoder } from './encoder.ts';
import type { Head } from './head.ts';
import { featureExtraction } from './heads/feature-extraction.ts';
import { fillMask } from './heads/fill-mask.ts';
import { sentenceModel } from './heads/pooling.ts';
import { questionAnswering } from './heads/question-answering.ts';
import { sentenceSimilarity } from './heads/sentence-similarity.ts';
import { textClassification } from './heads/text-classification.ts';
import { tokenClassification } from './heads/token-classification.ts';
import { zeroShotClassification } from './heads/zero-shot-classification.ts';
import { modelConfig } from './model.ts';
import { conversation, textGeneration, textToText } from './pipelines/generation.ts';
import { imageClassification, imageSegmentation, objectDetection } from './pipelines/images.ts';
import { audioClassification, speechRecognition } from './pipelines/sounds.ts';
import type { WorkerSetup } from './protocol.ts';
import type { Runner } from './runner.ts';
import { Session } from './session.ts';
import { Tokenizer } from './tokenizer.ts';

/** A text encoder, loaded. */
interface Parts {
  name: string;
  folder: string;
  config: JsonObject;
  tokenizer: Tokenizer;
  session: Session;
}

/** A task over a text encoder. */
interface EncoderTask {
  /** @throws {SluiceError} MODEL_TASK */
  head: (parts: Parts) => Head<unknown>;
  /** A question that any model of the task can answer: what is wrong with a model shows before the first row. */
  trial: (tokenizer: Tokenizer) => Question;
}

const text = 'A first sentence, to see whether the model answers.';
const plain = (): Question => ({ inputs: { text }, parameters: {} });

const encoderTasks: Readonly<Record<string, EncoderTask>> = {
  'text-classification': {
    head: ({ name, config, tokenizer }) => textClassification(name, config, tokenizer.maxLength),
    trial: plain,
  },
  'zero-shot-classification': {
    head: ({ name, config, tokenizer }) => zeroShotClassification(name, config, tokenizer.maxLength),
    trial: () => ({ inputs: { text }, parameters: { candidate_labels: ['first', 'second'] } }),
  },
  'token-classification': {
    head: ({ name, config, tokenizer }) => tokenClassification(name, config, tokenizer),
    trial: plain,
  },
  'question-answering': {
    head: ({ tokenizer }) => questionAnswering(tokenizer.maxLength),
    trial: () => ({ inputs: { question: text, context: text }, parameters: {} }),
  },
  'fill-mask': {
    head: ({ tokenizer }) => fillMask(tokenizer),
    trial: ({ maskToken }) => ({ inputs: { text: `${text} ${maskToken}` }, parameters: {} }),
  },
  'feature-extraction': {
    head: ({ folder, session, tokenizer }) =>
      featureExtraction(session.outputs, sentenceModel(folder), tokenizer.maxLength),
    trial: plain,
  },
  'sentence-similarity': {
    head: ({ folder, session, tokenizer }) =>
      sentenceSimilarity(session.outputs, sentenceModel(folder), tokenizer.maxLength),
    trial: () => ({ inputs: { source_sentence: text, sentences: [text] }, parameters: {} }),
  },
};

/** Tasks that transformers.js does, with its answers repaired. */
const rowTasks: Readonly<Record<string, (setup: WorkerSetup, config: JsonObject) => Promise<Runner>>> = {
  summarization: textToText('summarization', 'summary_text'),
  translation: textToText('translation', 'translation_text'),
  'text2text-generation': textToText('text2text-generation', 'generated_text'),
  'text-generation': textGeneration,
  conversational: conversation,
  'image-classification': imageClassification,
  'object-detection': objectDetection,
  'image-segmentation': imageSegmentation,
  'audio-classification': audioClassification,
  'automatic-speech-recognition': speechRecognition,
};

/** Whether rows of the task share runs of the model. */
export function sharesRuns(task: string): boolean {
  return Object.hasOwn(encoderTasks, task);
}

/**
 * Loads a model for a task; one that shares runs answers once.
 * @throws {SluiceError} ONNX_…, MODEL_…
 */
export async function openRunner(setup: WorkerSetup): Promise<Runner> {
  const { name } = setup;
  const { folder, files } = setup.model;
  const config = modelConfig(folder);
  const open = rowTasks[setup.task];
  if (open !== undefined) return open(setup, config);
  const task = encoderTasks[setup.task];
  if (task === undefined) throw new Error(`no local task ${setup.task}`);
  const session = await Session.open(folder, files.model!, setup);
  const tokenizer = await Tokenizer.open(folder, config);
  const head = task.head({ name, folder, config, tokenizer, session });
  const runner = new Encoder(name, session, tokenizer, head);
  await runner.fillMemory();
  await answerOnce(runner, task.trial(tokenizer), name);
  return runner;
}

async function answerOnce(runner: Runner, question: Question, name: string): Promise<void> {
  const { plan, refused, run } = await runner.prepare([question]);
  for (const rows of plan) refused.push(...(await run(rows)).refused);
  const [[, why] = []] = refused;
  if (why !== undefined)
    throw new SluiceError('MODEL_TASK', `model ${name}: cannot answer a plain question: ${why}`);
}
