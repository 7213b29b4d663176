import type { IncomingHttpHeaders } from 'node:http';
import { isObject } from '../../tasks/shapes.ts';
import type { Inputs, Parameters, Task } from '../../tasks/task.ts';
import type { CallFailure, Question } from '../backend.ts';
import { answerIn, byIndex, wrongCount } from './answer-body.ts';
import { filledUrl, unusable } from './base-url.ts';
import { classifyResponse } from './classify.ts';
import type { Contract, Decoded, Encoded, EncodeOptions } from './contract.ts';
import { jsonBody, sentParameters, textOf } from './encoding.ts';
import { parsedJson } from './errors-in-body.ts';

/**
 * Servers that speak like OpenAI's (vLLM, llama.cpp, TGI, the auto router): `/v1/embeddings` for feature-extraction and
 * `/v1/chat/completions` for conversational and text-generation. `top_k` and `repetition_penalty` are vLLM's additions.
 */
export const openai: Contract = {
  name: 'openai',
  tasks: {
    'feature-extraction': ['dimensions', 'encoding_format', 'normalize'],
    'text-generation': [
      'max_new_tokens',
      'num_return_sequences',
      'repetition_penalty',
      'return_full_text',
      'temperature',
      'top_k',
      'top_p',
    ],
    conversational: ['max_length', 'repetition_penalty', 'temperature', 'top_k', 'top_p'],
  },
  urlFor,
  maxBatch: (task) => (isEmbedding(task) ? Number.MAX_SAFE_INTEGER : 1),
  encode,
  decode,
  classify,
};

/** Parameters that are called differently there; undefined: applied to the answer. */
const NAMES: Readonly<Record<string, string | undefined>> = {
  max_new_tokens: 'max_tokens',
  max_length: 'max_tokens',
  num_return_sequences: 'n',
  normalize: undefined,
  return_full_text: undefined,
};

const ROUTE = /(\/(?:embeddings|chat\/completions))\/*$/;

/** A full URL as it is; after a version such as `/v1` the route, after anything else `/v1` and the route. */
function urlFor(task: Task, model: string | undefined, base: string): URL {
  const url = filledUrl(task.name, model, base);
  const route = isEmbedding(task) ? '/embeddings' : '/chat/completions';
  const given = ROUTE.exec(url.pathname)?.[1];
  if (given === route) return url;
  if (given !== undefined) {
    const next = 'Leave the route out of backend.url: the task tells it.';
    throw unusable(`backend.url ends in ${given}, but ${task.name} is answered at ${route}`, next);
  }
  const root = url.pathname.replace(/\/*$/, '');
  url.pathname = `${/\/v\d+$/.test(root) ? root : `${root}/v1`}${route}`;
  return url;
}

function isEmbedding({ name }: Task): boolean {
  return name === 'feature-extraction';
}

function encode(task: Task, questions: readonly Question[], { model }: EncodeOptions): Encoded {
  const [first] = questions;
  if (first === undefined) throw new RangeError('a request needs a question');
  const asked = isEmbedding(task)
    ? { input: questions.map(({ inputs }) => textOf(task, inputs)) }
    : { messages: messagesOf(first.inputs) };
  // The model first: a router reads no more than the beginning.
  const { extra, ...parameters } = first.parameters;
  return jsonBody({
    ...(model === undefined ? undefined : { model }),
    ...asked,
    ...renamed(sentParameters(task, parameters)),
    ...(isObject(extra) ? extra : undefined),
  });
}

function renamed(parameters: Parameters): Parameters {
  const entries = Object.entries(parameters).flatMap(([name, value]) => {
    const sent = Object.hasOwn(NAMES, name) ? NAMES[name] : name;
    return sent === undefined ? [] : [[sent, value]];
  });
  return Object.fromEntries(entries);
}

/** The earlier turns, each side's in its place, and then the text that is to be answered. */
function messagesOf({ text, past_user_inputs, generated_responses }: Inputs): unknown[] {
  const said = textsIn(generated_responses);
  const earlier = textsIn(past_user_inputs).flatMap((content, i) => [
    { role: 'user', content },
    ...(said[i] === undefined ? [] : [{ role: 'assistant', content: said[i] }]),
  ]);
  return [...earlier, { role: 'user', content: text }];
}

function textsIn(value: unknown): string[] {
  return Array.isArray(value) ? value : [];
}

function decode(body: Buffer, questions: readonly Question[], task: Task): Decoded {
  const read = answerIn(body);
  if ('failure' in read) return read;
  const value = isObject(read.value) ? read.value : {};
  if (isEmbedding(task)) {
    const answers = byIndex(value.data, questions.length, 'embedding');
    return answers === undefined
      ? { failure: wrongCount(value.data ?? read.value, questions.length) }
      : { answers };
  }
  const texts = Array.isArray(value.choices) ? value.choices.map(contentOf) : [];
  // As it came, where it has no text: the task then says so, with an excerpt.
  if (texts.length === 0 || !texts.every((text) => text !== undefined)) return { answers: [read.value] };
  return {
    answers: [
      task.name === 'conversational' ? turn(questions[0]!, texts[0]!) : written(questions[0]!, texts),
    ],
  };
}

function contentOf(choice: unknown): string | undefined {
  if (!isObject(choice) || !isObject(choice.message)) return undefined;
  const { content } = choice.message;
  return typeof content === 'string' ? content : undefined;
}

/** The conversation is kept here, as a chat server keeps none. */
function turn({ inputs }: Question, reply: string): unknown {
  return {
    generated_text: reply,
    conversation: {
      past_user_inputs: [...textsIn(inputs.past_user_inputs), inputs.text],
      generated_responses: [...textsIn(inputs.generated_responses), reply],
    },
  };
}

function written({ inputs, parameters }: Question, texts: readonly string[]): unknown {
  const prompt = parameters.return_full_text === true ? String(inputs.text) : '';
  return texts.map((text) => ({ generated_text: prompt + text }));
}

function classify(status: number, headers: IncomingHttpHeaders, body: string): CallFailure {
  const failure = classifyResponse(status, headers, body, Date.now());
  if (status !== 429 || !hasNoCredit(parsedJson(body))) return failure;
  const next = 'Buy credits, then run again: it goes on from here.';
  return { ...failure, class: 'fatal', kind: 'payment', next };
}

/** OpenAI says with 429 too that the money is gone; no wait brings it back. */
function hasNoCredit(body: unknown): boolean {
  const error = isObject(body) && isObject(body.error) ? body.error : {};
  return error.code === 'insufficient_quota' || error.type === 'insufficient_quota';
}
