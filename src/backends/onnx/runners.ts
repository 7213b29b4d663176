import { basename } from 'node:path';
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
import type { WorkerSetup } from './protocol.ts';
import type { Runner } from './runner.ts';
import { Session } from './session.ts';
import { Tokenizer } from './tokenizer.ts';

/** A model, loaded. */
interface Parts {
  name: string;
  folder: string;
  config: JsonObject;
  tokenizer: Tokenizer;
  session: Session;
}

interface LocalTask {
  /** @throws {SluiceError} MODEL_TASK */
  open: (parts: Parts) => Runner;
  /** A question that any model of the task can answer: what is wrong with a model shows before the first row. */
  trial: Question | ((parts: Parts) => Question);
}

const text = 'A first sentence, to see whether the model answers.';

/** The tasks that can run on this machine. */
const localTasks: Readonly<Record<string, LocalTask>> = {
  'text-classification': {
    open: (parts) => encoder(parts, textClassification(parts.name, parts.config, parts.tokenizer.maxLength)),
    trial: { inputs: { text }, parameters: {} },
  },
  'feature-extraction': {
    open: (parts) => {
      const { folder, session, tokenizer } = parts;
      return encoder(parts, featureExtraction(session.outputs, sentenceModel(folder), tokenizer.maxLength));
    },
    trial: { inputs: { text }, parameters: {} },
  },
  'sentence-similarity': {
    open: (parts) => {
      const { folder, session, tokenizer } = parts;
      return encoder(parts, sentenceSimilarity(session.outputs, sentenceModel(folder), tokenizer.maxLength));
    },
    trial: { inputs: { source_sentence: text, sentences: [text] }, parameters: {} },
  },
  'zero-shot-classification': {
    open: (parts) =>
      encoder(parts, zeroShotClassification(parts.name, parts.config, parts.tokenizer.maxLength)),
    trial: { inputs: { text }, parameters: { candidate_labels: ['first', 'second'] } },
  },
  'token-classification': {
    open: (parts) => {
      const { name, config, tokenizer } = parts;
      return encoder(parts, tokenClassification(name, config, tokenizer));
    },
    trial: { inputs: { text }, parameters: {} },
  },
  'question-answering': {
    open: (parts) => encoder(parts, questionAnswering(parts.tokenizer.maxLength)),
    trial: { inputs: { question: text, context: text }, parameters: {} },
  },
  'fill-mask': {
    open: (parts) => encoder(parts, fillMask(parts.tokenizer)),
    trial: ({ tokenizer }) => ({ inputs: { text: `${text} ${tokenizer.maskToken}` }, parameters: {} }),
  },
};

/** Names of the tasks that can run on this machine. */
export const localTaskNames: readonly string[] = Object.keys(localTasks);

/**
 * Loads a model for a task and lets it answer once.
 * @throws {SluiceError} ONNX_…, MODEL_…
 */
export async function openRunner({ model, task, threads, device }: WorkerSetup): Promise<Runner> {
  const { folder, files } = model;
  const local = localTasks[task];
  if (local === undefined) throw new Error(`no local task ${task}`);
  const config = modelConfig(folder);
  const session = await Session.open(folder, files.model!, { threads, device });
  const tokenizer = await Tokenizer.open(folder, config);
  const parts = { name: basename(folder), folder, config, tokenizer, session };
  const runner = local.open(parts);
  await answerOnce(runner, typeof local.trial === 'function' ? local.trial(parts) : local.trial, folder);
  return runner;
}

function encoder<T>({ name, session, tokenizer }: Parts, head: Head<T>): Runner {
  return new Encoder(name, session, tokenizer, head);
}

async function answerOnce(runner: Runner, question: Question, folder: string): Promise<void> {
  const { plan, refused, run } = await runner.prepare([question]);
  const [[, why] = []] = refused;
  if (why !== undefined)
    throw new SluiceError('MODEL_TASK', `model ${folder}: cannot answer a plain question: ${why}`);
  for (const rows of plan) await run(rows);
}
