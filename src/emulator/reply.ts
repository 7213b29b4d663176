import type { ServerResponse } from 'node:http';
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

/** A fault that takes the place of the right answer, which `slow` does not. */
export type Refusal = Exclude<FaultKind, 'slow'>;

interface Circumstances {
  /** What would have been right. */
  answer: unknown;
  retryAfterS: number;
}

export function replyFault(response: ServerResponse, fault: Refusal, circumstances: Circumstances): void {
  REPLIES[fault](response, circumstances);
}

const REPLIES: Readonly<Record<Refusal, (response: ServerResponse, circumstances: Circumstances) => void>> = {
  '400': (response) => replyJson(response, 400, { error: ['Error in `inputs`: the model cannot read this'] }),
  '429': (response, { retryAfterS }) =>
    replyJson(response, 429, { error: 'Rate limit reached' }, { 'retry-after': retryAfterS }),
  '500': (response) => replyJson(response, 500, { error: 'unknown error' }),
  '502': (response) => replyHtml(response, 502, '502 Bad Gateway'),
  '503': (response) => replyJson(response, 503, { error: 'Service overloaded, please try again later' }),
  '504': (response) => replyHtml(response, 504, '504 Gateway Time-out'),
  html: (response) => replyHtml(response, 200, 'Sign in'),
  error200: (response) => replyJson(response, 200, { error: 'CUDA out of memory' }),
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
