import { conversational } from '../tasks/conversational.ts';
import { featureExtraction } from '../tasks/feature-extraction.ts';
import { isObject } from '../tasks/shapes.ts';
import type { JsonObject } from '../tasks/shapes.ts';
import type { Inputs } from '../tasks/task.ts';
import { textGeneration } from '../tasks/text-generation.ts';
import type { Dialect } from './dialect.ts';
import { areStrings, BadRequest, jsonIn } from './payload.ts';
import type { Asked, Payload } from './payload.ts';

/** A server that speaks like OpenAI's, by its routes. */
export const openaiRoutes: Readonly<Record<string, Dialect>> = {
  '/v1/embeddings': dialect(readEmbeddings, embeddings),
  '/v1/chat/completions': dialect(readChat, completion),
};

/** What `GET /v1/models` says. */
export const openaiModels = { object: 'list', data: [{ id: 'sluice/emulated', object: 'model' }] };

function dialect(read: Dialect['read'], answer: Dialect['answer']): Dialect {
  return { refusal: 400, overload: 503, estimates: false, read, answer, error };
}

const TYPES: Readonly<Record<number, string>> = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  404: 'not_found_error',
  429: 'rate_limit_error',
};

function error(status: number, message: string): unknown {
  return { error: { message, type: TYPES[status] ?? 'server_error', param: null, code: status } };
}

function readEmbeddings({ body }: Asked): Payload {
  const { model, input, dimensions, encoding_format } = jsonIn(body);
  const texts = typeof input === 'string' ? [input] : input;
  if (!areStrings(texts) || (texts as string[]).length === 0)
    throw new BadRequest('input: expected a string or a list of strings');
  return {
    task: featureExtraction,
    items: (texts as string[]).map((text) => ({ text })),
    isBatch: true,
    parameters: {
      ...(isCount(dimensions) ? { dimensions } : undefined),
      ...(encoding_format === 'base64' ? { encoding_format } : undefined),
    },
    waitForModel: false,
    ...named(model),
  };
}

/** The last vector first: nothing but `index` says which text one belongs to. */
function embeddings({ parameters, model }: Payload, answers: readonly unknown[]): unknown {
  const packed = parameters.encoding_format === 'base64';
  const data = answers.map((vector, index) => ({
    object: 'embedding',
    index,
    embedding: packed ? base64Of(vector as number[]) : vector,
  }));
  return { object: 'list', data: data.reverse(), model: model ?? null };
}

function base64Of(vector: readonly number[]): string {
  const bytes = Buffer.alloc(vector.length * 4);
  for (const [i, x] of vector.entries()) bytes.writeFloatLE(x, i * 4);
  return bytes.toString('base64');
}

/** A single message is a text to go on with; more of them are a conversation. */
function readChat({ body, task, guess }: Asked): Payload {
  const { model, messages, n, max_tokens: most } = jsonIn(body);
  const turns = Array.isArray(messages) ? messages.map(turnOf) : [];
  const last = turns.at(-1);
  if (last === undefined || last.role !== 'user')
    throw new BadRequest('messages: expected a list that ends with one of role user');
  const said = (role: string) =>
    turns.slice(0, -1).flatMap((turn) => (turn.role === role ? [turn.content] : []));
  const isTalk = (task ?? guess) === conversational || turns.length > 1;
  const items: Inputs[] = [
    isTalk
      ? { text: last.content, past_user_inputs: said('user'), generated_responses: said('assistant') }
      : { text: last.content },
  ];
  return {
    task: isTalk ? conversational : textGeneration,
    items,
    isBatch: false,
    parameters: {
      ...(isCount(most) ? { max_new_tokens: most, max_length: most } : undefined),
      ...(isCount(n) ? { num_return_sequences: n } : undefined),
      return_full_text: false,
    },
    waitForModel: false,
    ...named(model),
  };
}

function turnOf(message: unknown): { role: string; content: string } {
  const { role, content } = (isObject(message) ? message : {}) as JsonObject;
  if (typeof role !== 'string' || typeof content !== 'string')
    throw new BadRequest('messages: expected a role and a content that is a string');
  return { role, content };
}

function completion({ model }: Payload, [answer]: readonly unknown[]): unknown {
  const choices = [answer].flat().map((one, index) => ({
    index,
    message: { role: 'assistant', content: String((one as JsonObject).generated_text).trim() },
    finish_reason: 'stop',
  }));
  return { object: 'chat.completion', model: model ?? null, choices };
}

function named(model: unknown): { model?: string } {
  return typeof model === 'string' ? { model } : {};
}

function isCount(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) > 0;
}
