import { setTimeout } from 'node:timers/promises';
import type { Response } from 'undici';
import { messageOf } from '../errors.ts';
import { MAX_NAMED_BYTES } from './named-file.ts';
import { NotReachable } from './not-reachable.ts';

export interface FetchBounds {
  /** For all attempts together, the body included. */
  timeoutMs: number;
  maxBytes: number;
  /** Waits before the second attempt, the third, and so on. */
  delaysMs: readonly number[];
}

const DEFAULT_BOUNDS: FetchBounds = {
  timeoutMs: 60_000,
  maxBytes: MAX_NAMED_BYTES,
  delaysMs: [500, 2000],
};

/**
 * Fetches an http(s) URL that a row names. No token, cookie or header of the job goes with it. What may pass (no
 * connection, 408, 425, 429, 5xx) is tried three times.
 * @throws {NotReachable}
 */
export async function fetchNamedUrl(url: string, bounds: Partial<FetchBounds> = {}): Promise<Uint8Array> {
  const { timeoutMs, maxBytes, delaysMs } = { ...DEFAULT_BOUNDS, ...bounds };
  const signal = AbortSignal.timeout(timeoutMs);
  const shown = withoutSecrets(url);
  for (let attempt = 0; ; attempt++) {
    const delay = delaysMs[attempt];
    try {
      return await fetchOnce(url, maxBytes, signal);
    } catch (error) {
      if (signal.aborted) {
        throw new NotReachable(`could not be fetched within ${timeoutMs / 1000} s: ${shown}`);
      }
      const reason = reasonOf(error);
      if (error instanceof Final || delay === undefined) {
        throw new NotReachable(`could not be fetched (${reason}): ${shown}`);
      }
    }
    await setTimeout(delay);
  }
}

/** A failure that another attempt would not change. */
class Final extends Error {}

async function fetchOnce(url: string, maxBytes: number, signal: AbortSignal): Promise<Uint8Array> {
  if (!URL.canParse(url)) throw new Final('not a URL');
  const { username, password } = new URL(url);
  // A name and password in a URL are a header to its server; rows of others do not get to send headers.
  if (username !== '' || password !== '') throw new Final('it has a user name or password in it');
  // Loaded when the first row names a URL: `check` and most jobs never do, and it takes as long to load as they run. By
  // its default export: that is all that a bundle has of a CommonJS module.
  const { default: undici } = await import('undici');
  const response = await undici.fetch(url, { signal });
  if (!response.ok) {
    await response.body?.cancel();
    const { status, statusText } = response;
    const words = `${status} ${statusText}`.trim();
    throw [408, 425, 429].includes(status) || status >= 500 ? new Error(words) : new Final(words);
  }
  return bodyOf(response, maxBytes);
}

/** Counted as it comes: a length that is promised may be wrong, and what is compressed grows. */
async function bodyOf(response: Response, maxBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  // Leaving the loop by an exception cancels the rest of the body.
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > maxBytes) throw new Final(`more than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** fetch says "fetch failed" and keeps why in the cause. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  return messageOf(cause);
}

/** A query may hold a signature that opens the file to anyone. */
function withoutSecrets(url: string): string {
  if (!URL.canParse(url)) return url.slice(0, 120);
  const { origin, pathname, search } = new URL(url);
  return `${origin}${pathname.slice(0, 120)}${search === '' ? '' : '?…'}`;
}
