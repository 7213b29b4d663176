import type { IncomingHttpHeaders } from 'node:http';
import { isFiniteNumber, isObject } from '../../tasks/shapes.ts';
import type { Binary, InputValue, Task } from '../../tasks/task.ts';
import type { CallFailure, Question } from '../backend.ts';
import { answerIn, wrongCount } from './answer-body.ts';
import { classifyResponse } from './classify.ts';
import { errorIn } from './errors-in-body.ts';
import { jsonBody, sentParameters } from './encoding.ts';
import type { Contract, Decoded, Encoded, EncodeOptions } from './contract.ts';
import { hfUrl } from './hf-url.ts';

/**
 * The Hugging Face Inference API and servers that speak like it: `{inputs, parameters, options}` as JSON, or the raw
 * bytes of an image or a sound.
 */
export const hf: Contract = {
  name: 'hf',
  urlFor: (task, model, base) => hfUrl(task.name, model, base),
  // Only a list of plain texts is a batch: a list of objects or of bytes has no documented form.
  maxBatch: (task) => (onlyInput(task)?.kind === 'text' ? Number.MAX_SAFE_INTEGER : 1),
  encode,
  decode,
  classify,
};

/** Tasks whose parameters stand beside `inputs` and not in `parameters`, as text-embeddings-inference wants them. */
const PARAMETERS_AT_ROOT = new Set(['feature-extraction']);

function encode(task: Task, questions: readonly Question[], options: EncodeOptions): Encoded {
  const [first] = questions;
  if (first === undefined) throw new RangeError('a request needs a question');
  const given = sentParameters(task, first.parameters);
  const parameters = Object.keys(given).length === 0 ? undefined : given;
  const inputs = questions.map((question) => inputsOf(task, question));
  const [single] = inputs;
  if (isBinary(single) && parameters === undefined) return raw(single, options);
  const body: Record<string, unknown> = { inputs: inputs.length > 1 ? inputs : jsonInput(single) };
  if (parameters !== undefined) {
    if (PARAMETERS_AT_ROOT.has(task.name)) Object.assign(body, parameters);
    else body.parameters = parameters;
  }
  // Left out where they say what the API assumes anyway: servers that merely resemble it refuse unknown fields.
  if (!options.useCache || options.waitForModel) {
    body.options = {
      ...(options.useCache ? undefined : { use_cache: false }),
      ...(options.waitForModel ? { wait_for_model: true } : undefined),
    };
  }
  return jsonBody(body);
}

/** A raw body has no room for options; the API takes them as headers. */
function raw({ bytes, contentType }: Binary, options: EncodeOptions): Encoded {
  return {
    body: bytes,
    contentType: contentType ?? 'application/octet-stream',
    headers: [
      ...(options.useCache ? [] : ['x-use-cache', 'false']),
      ...(options.waitForModel ? ['x-wait-for-model', 'true'] : []),
    ],
  };
}

/** A task's only input is sent bare, several as an object by their names. */
function inputsOf(task: Task, { inputs }: Question): InputValue | Record<string, InputValue> {
  const names = Object.keys(task.inputs);
  return names.length === 1 ? inputs[names[0]!]! : inputs;
}

function jsonInput(input: InputValue | Record<string, InputValue> | undefined): unknown {
  return isBinary(input) ? Buffer.from(input.bytes).toString('base64') : input;
}

function isBinary(input: unknown): input is Binary {
  return isObject(input) && input.bytes instanceof Uint8Array;
}

function onlyInput(task: Task) {
  const inputs = Object.values(task.inputs);
  return inputs.length === 1 ? inputs[0] : undefined;
}

function decode(body: Buffer, questions: readonly Question[], task: Task): Decoded {
  const read = answerIn(body, task);
  if ('failure' in read) return read;
  const { value } = read;
  const count = questions.length;
  if (count === 1) return oneAnswer(value, questions[0]!);
  if (!Array.isArray(value) || value.length !== count || answersOneQuestion(value, questions[0]!, task)) {
    return { failure: wrongCount(value, count) };
  }
  return { answers: value };
}

/** Scores go by their places only: with one too few or too many, nobody can tell which sentence each is of. */
function oneAnswer(value: unknown, { inputs: { sentences } }: Question): Decoded {
  const scores: unknown =
    Array.isArray(value) && value.length === 1 && Array.isArray(value[0]) ? value[0] : value;
  // Anything but numbers is the task's to judge.
  const areScores = Array.isArray(scores) && scores.length > 0 && scores.every(isFiniteNumber);
  if (!Array.isArray(sentences) || !areScores || scores.length === sentences.length)
    return { answers: [value] };
  const message = `${sentences.length} sentences were sent, the answer has ${scores.length} scores`;
  return { failure: { ...wrongCount(value, sentences.length), message } };
}

/**
 * Whether a list as long as the batch is really one answer. Servers that take a list of texts for one text, or two
 * texts for a pair, answer with one vector or with one distribution over distinct labels, and rows would silently get
 * each other's results. A batch whose answers merely look so costs a few requests more.
 */
function answersOneQuestion(answers: readonly unknown[], { parameters }: Question, task: Task): boolean {
  if (answers.some((answer) => typeof answer === 'number')) return true;
  const { num_return_sequences: sequences = 1 } = parameters;
  if ((task.findsSeveral || Number(sequences) > 1) && answers.some(isAnswerObject)) return true;
  const scores = answers.map((answer) =>
    isObject(answer) && isFiniteNumber(answer.score) ? answer.score : Number.NaN,
  );
  const labels = new Set(answers.map((answer) => (isObject(answer) ? answer.label : undefined)));
  const sum = scores.reduce((total, score) => total + score, 0);
  return labels.size === answers.length && Math.abs(sum - 1) < 1e-3;
}

/** An error in the place of one answer is that row's alone. */
function isAnswerObject(answer: unknown): boolean {
  return isObject(answer) && errorIn(answer) === undefined;
}

const MODELS_PAGE = 'https://huggingface.co/models?inference_provider=hf-inference';

function classify(status: number, headers: IncomingHttpHeaders, body: string): CallFailure {
  const failure = classifyResponse(status, headers, body, Date.now());
  if (status === 403) {
    failure.next =
      'Give the token the permission "Make calls to Inference Providers", or ask for access to the model.';
  } else if (status === 404) {
    failure.next = `Check the model’s name; hf-inference serves only the models listed at ${MODELS_PAGE}`;
  } else if (status === 410) {
    failure.next =
      'api-inference.huggingface.co was shut down: remove backend.url, or set it to the router’s address.';
  }
  return failure;
}
