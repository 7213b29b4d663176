import type { ServerResponse } from 'node:http';
import type { Dialect } from './dialect.ts';
import type { FaultKind } from './faults.ts';

export function replyJson(
  response: ServerResponse,
  status: number,
  value: unknown,
  headers: Record<string, string | number> = {},
): void {
  const body = JSON.stringify(value);
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    ...headers,
  });
  response.end(body);
}

/** A failure in the words of the dialect. */
export function replyError(
  response: ServerResponse,
  dialect: Dialect,
  status: number,
  words: string,
  headers: Record<string, string | number> = {},
): void {
  replyJson(response, status, dialect.error(status, words), headers);
}

/** A fault that takes the place of the right answer, which `slow` does not. */
export type Refusal = Exclude<FaultKind, 'slow'>;

interface Circumstances {
  /** What would have been right. */
  answer: unknown;
  dialect: Dialect;
  retryAfterS: number;
}

export function replyFault(response: ServerResponse, fault: Refusal, circumstances: Circumstances): void {
  REPLIES[fault](response, circumstances);
}

const REPLIES: Readonly<Record<Refusal, (response: ServerResponse, circumstances: Circumstances) => void>> = {
  '400': (response, { dialect }) =>
    replyError(response, dialect, dialect.refusal, 'Error in `inputs`: the model cannot read this'),
  '429': (response, { dialect, retryAfterS }) =>
    replyError(response, dialect, 429, 'Rate limit reached', { 'retry-after': retryAfterS }),
  '500': (response, { dialect }) => replyError(response, dialect, 500, 'unknown error'),
  '502': (response) => replyHtml(response, 502, '502 Bad Gateway'),
  '503': (response, { dialect }) =>
    replyError(response, dialect, 503, 'Service overloaded, please try again later'),
  '504': (response) => replyHtml(response, 504, '504 Gateway Time-out'),
  html: (response) => replyHtml(response, 200, 'Sign in'),
  error200: (response, { dialect }) => replyError(response, dialect, 200, 'CUDA out of memory'),
  reset: (response) => response.socket?.resetAndDestroy(),
  truncated: (response, { answer }) => replyTruncated(response, answer),
  hang: () => undefined,
};

function replyHtml(response: ServerResponse, status: number, title: string): void {
  const page = `<!DOCTYPE html>\n<html><head><title>${title}</title></head><body><h1>${title}</h1></body></html>\n`;
  response.writeHead(status, { 'content-type': 'text/html', 'content-length': page.length }).end(page);
}

/** Half of the body; by its length either under a content-length that promises all of it, or in chunks without end. */
function replyTruncated(response: ServerResponse, answer: unknown): void {
  const body = Buffer.from(JSON.stringify(answer));
  const length = body.length % 2 === 0 ? { 'content-length': body.length } : undefined;
  response.writeHead(200, { 'content-type': 'application/json', ...length });
  response.write(body.subarray(0, body.length / 2), () => response.socket?.destroySoon());
}
