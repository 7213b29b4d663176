import type { IncomingHttpHeaders } from 'node:http';
import { isObject } from '../../tasks/shapes.ts';
import { excerptOf } from '../../tasks/task.ts';
import type { CallFailure, FailureClass, FailureKind } from '../backend.ts';
import { errorIn, parsedJson, wordsOf } from './errors-in-body.ts';
import { retryAfterMs } from './retry-after.ts';

/** Characters of a body that a failure keeps. */
const EXCERPT_LENGTH = 500;

type Verdict = readonly [FailureClass, FailureKind, next?: string];

/** Statuses that mean the same for every contract. */
const VERDICTS: Readonly<Record<number, Verdict>> = {
  401: ['fatal', 'auth', 'Set HF_TOKEN, or backend.token, to a valid token.'],
  402: [
    'fatal',
    'payment',
    'Buy credits or wait for the next billing period, then run again: it goes on from here.',
  ],
  403: ['fatal', 'auth', 'Check what backend.token allows, and who may use the model.'],
  404: ['fatal', 'not_found', 'Check model and backend.url.'],
  405: ['fatal', 'not_found', 'Check backend.url: this address takes no POST.'],
  407: ['fatal', 'auth', 'The proxy asks for credentials.'],
  408: ['transient', 'timeout'],
  409: ['transient', 'server'],
  410: ['fatal', 'not_found', 'The address is gone for good: change backend.url.'],
  413: ['rejected', 'too_large'],
  414: ['rejected', 'too_large'],
  424: ['transient', 'server'],
  425: ['transient', 'server'],
  429: ['throttled', 'rate_limit'],
  431: ['rejected', 'too_large'],
  503: ['overloaded', 'overloaded'],
  // Overloaded, as some gateways put it.
  529: ['overloaded', 'overloaded'],
};

function verdictOn(status: number): Verdict {
  const known = VERDICTS[status];
  if (known !== undefined) return known;
  if (status >= 500) return ['transient', 'server'];
  if (status >= 400) return ['rejected', 'rejected'];
  return ['transient', 'body'];
}

/** What a response that is no answer means. `now` is Unix time in milliseconds. */
export function classifyResponse(
  status: number,
  headers: IncomingHttpHeaders,
  body: string,
  now: number,
): CallFailure {
  if (status >= 300 && status < 400) return redirect(status, headers);
  const failure = loading(status, parsedJson(body)) ?? bare(verdictOn(status));
  failure.status = status;
  failure.message = withStatus(status, wordsOf(body));
  const asked = retryAfterMs(headers, now);
  if (asked !== undefined) failure.retryAfterMs = asked;
  if (body !== '') failure.excerpt = excerptOf(body, EXCERPT_LENGTH);
  const id = requestIdIn(headers);
  if (id !== undefined) failure.requestId = id;
  return failure;
}

function bare([failureClass, kind, next]: Verdict): CallFailure {
  return { class: failureClass, kind, message: '', ...(next === undefined ? undefined : { next }) };
}

/** In the words of the Inference API, and of llama.cpp. */
const LOADING = /\b(?:is|currently|still) loading\b|\bloading model\b/i;

/** A model that is being loaded: 503, or an error in a 200, with `estimated_time` in seconds or in so many words. */
export function loading(status: number, body: unknown): CallFailure | undefined {
  if ((status !== 503 && status !== 200) || !isObject(body)) return undefined;
  const estimated = Number(body.estimated_time ?? Number.NaN);
  const words = errorIn(body) ?? '';
  if (Number.isNaN(estimated) && !LOADING.test(words)) return undefined;
  return {
    class: 'loading',
    kind: 'loading',
    status,
    message: words,
    ...(estimated >= 0 ? { estimatedMs: estimated * 1000 } : undefined),
  };
}

/** Never followed: the token belongs to the configured origin, and a POST that is repeated elsewhere may be paid twice. */
function redirect(status: number, headers: IncomingHttpHeaders): CallFailure {
  return {
    class: 'fatal',
    kind: 'not_found',
    status,
    message: `${status} redirect to ${headers.location ?? 'nowhere'}, not followed`,
    next: 'Set backend.url to the address that answers, if you trust it with the token.',
  };
}

export function requestIdIn(headers: IncomingHttpHeaders): string | undefined {
  const id = headers['x-request-id'] ?? headers['x-amzn-trace-id'] ?? headers['x-amz-cf-id'];
  return Array.isArray(id) ? id[0] : id;
}

/** A 2xx whose body is no answer. */
export function unusableBody(message: string, body: string): CallFailure {
  return { class: 'transient', kind: 'body', message, excerpt: excerptOf(body, EXCERPT_LENGTH) };
}

/** A gateway's page often has the status in its title already. */
function withStatus(status: number, words: string): string {
  return words.startsWith(String(status)) ? words : `${status} ${words}`.trimEnd();
}
