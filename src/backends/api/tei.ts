import type { IncomingHttpHeaders } from 'node:http';
import { isFiniteNumber, isList, isObject } from '../../tasks/shapes.ts';
import type { Parameters, Task } from '../../tasks/task.ts';
import type { CallFailure, Question } from '../backend.ts';
import { answerIn, byIndex, wrongCount } from './answer-body.ts';
import { filledUrl, unusable } from './base-url.ts';
import { classifyResponse } from './classify.ts';
import type { Contract, Decoded, Encoded } from './contract.ts';
import { jsonBody, sentParameters, textOf } from './encoding.ts';

/** The routes of text-embeddings-inference 1.9 that answer tasks of ours. */
type Route = '/embed' | '/predict' | '/similarity' | '/rerank';

/** What `GET /info` tells that matters here. */
interface Server {
  /** Texts in a request, `max_client_batch_size`; undefined where it was not told. */
  batch: number | undefined;
  /** A cross-encoder: it scores pairs and has no vectors to compare. */
  isReranker: boolean;
}

/**
 * text-embeddings-inference: `/embed` for feature-extraction, `/predict` for text-classification, and for
 * sentence-similarity `/similarity`, or `/rerank` where the model is a re-ranker. How many texts a request may carry and
 * what the model is stands at `/info`; until that is known any number is taken, and a 422 halves the batch.
 */
export const tei: Contract = teiWith({ batch: undefined, isReranker: false });

function teiWith(server: Server): Contract {
  const routeOf = ({ name }: Task): Route => {
    if (name === 'feature-extraction') return '/embed';
    if (name === 'text-classification') return '/predict';
    return server.isReranker ? '/rerank' : '/similarity';
  };
  return {
    name: 'tei',
    tasks: {
      'feature-extraction': ['normalize', 'truncate', 'truncation_direction', 'prompt_name', 'dimensions'],
      'text-classification': ['top_k'],
      'sentence-similarity': [],
    },
    about: {
      urlFor: (task, model, base) => under(rootOf(task.name, model, base), '/info'),
      informed: (told) => teiWith(serverIn(told)),
    },
    urlFor: (task, model, base) => {
      const root = rootOf(task.name, model, base);
      const given = ROUTE.exec(filledUrl(task.name, model, base).pathname)?.[1];
      const route = routeOf(task);
      const fits = given === undefined || given === route || isSimilarity(given, route);
      if (!fits)
        throw unusable(`backend.url ends in ${given}, but ${task.name} is answered at ${route}`, LEAVE_OUT);
      return under(root, route);
    },
    maxBatch: (task) =>
      routeOf(task) === '/embed' || routeOf(task) === '/predict'
        ? (server.batch ?? Number.MAX_SAFE_INTEGER)
        : 1,
    encode: (task, questions) => encode(routeOf(task), task, questions),
    decode: (body, questions, task) => decode(routeOf(task), body, questions, task),
    classify,
  };
}

const ROUTE = /(\/(?:embed|predict|similarity|rerank))\/*$/;
const LEAVE_OUT = 'Leave the route out of backend.url: the task tells it.';

function rootOf(task: string, model: string | undefined, base: string): URL {
  const url = filledUrl(task, model, base);
  url.pathname = url.pathname.replace(ROUTE, '');
  return url;
}

function under(root: URL, route: string): URL {
  const url = new URL(root);
  url.pathname = url.pathname.replace(/\/*$/, '') + route;
  return url;
}

/** Which of the two it is, the server's model decides. */
function isSimilarity(given: string, route: Route): boolean {
  const both = ['/similarity', '/rerank'];
  return both.includes(given) && both.includes(route);
}

function serverIn(told: unknown): Server {
  const info = isObject(told) ? told : {};
  const batch = info.max_client_batch_size;
  return {
    batch: isFiniteNumber(batch) && batch >= 1 ? Math.floor(batch) : undefined,
    isReranker: isObject(info.model_type) && 'reranker' in info.model_type,
  };
}

function encode(route: Route, task: Task, questions: readonly Question[]): Encoded {
  const [first] = questions;
  if (first === undefined) throw new RangeError('a request needs a question');
  const parameters = sentParameters(task, first.parameters);
  const { source_sentence, sentences } = first.inputs;
  switch (route) {
    case '/embed':
      return jsonBody({ inputs: questions.map(({ inputs }) => textOf(task, inputs)), ...parameters });
    case '/predict': {
      const { top_k: _, ...sent } = parameters;
      // Each text in a list of its own: a flat list of two texts would be one pair.
      return jsonBody({ inputs: questions.map(({ inputs }) => [textOf(task, inputs)]), ...sent });
    }
    case '/similarity':
      return jsonBody({
        inputs: { source_sentence, sentences },
        ...(Object.keys(parameters).length === 0 ? undefined : { parameters }),
      });
    case '/rerank':
      return jsonBody({ query: source_sentence, texts: sentences, ...parameters });
  }
}

function decode(route: Route, body: Buffer, questions: readonly Question[], task: Task): Decoded {
  const read = answerIn(body, task);
  if ('failure' in read) return read;
  const { value } = read;
  if (route === '/embed' || route === '/predict') {
    const isOneEach = Array.isArray(value) && value.length === questions.length && value.every(isList);
    if (!isOneEach) return { failure: wrongCount(value, questions.length) };
    return {
      answers: route === '/embed' ? value : value.map((answer, i) => topOf(answer, questions[i]!.parameters)),
    };
  }
  const count = (questions[0]!.inputs.sentences as readonly string[]).length;
  const scores = route === '/rerank' ? byIndex(value, count, 'score') : value;
  if (!Array.isArray(scores) || scores.length !== count) return { failure: wrongCount(value, count) };
  return { answers: [scores] };
}

/** The server answers all labels, the most probable first. */
function topOf(predictions: unknown[] | Float32Array, { top_k: count }: Parameters): unknown {
  return typeof count === 'number' ? predictions.slice(0, count) : predictions;
}

function classify(status: number, headers: IncomingHttpHeaders, body: string): CallFailure {
  const failure = classifyResponse(status, headers, body, Date.now());
  // Its queue is full, which fewer requests at a time heal; it counts no requests per minute.
  if (status === 429) return { ...failure, class: 'overloaded', kind: 'overloaded' };
  // Said with 424 like a failure of the GPU, but no retry makes a classifier of it.
  if (status === 424 && /model is not an? [\w-]+ model/i.test(failure.message)) {
    const next = 'Choose a task that the model can do, or start the server with another model.';
    return { ...failure, class: 'fatal', kind: 'not_found', next };
  }
  return failure;
}
