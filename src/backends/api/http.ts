import { validateHeaderName, validateHeaderValue } from 'node:http';
import { Exit, messageOf, SluiceError } from '../../errors.ts';
import type { Task } from '../../tasks/task.ts';
import { version } from '../../version.ts';
import type { Backend, CallFailure, CallOptions, CallOutcome, Question } from '../backend.ts';
import { requestIdIn } from './classify.ts';
import { classifyTransport } from './classify-transport.ts';
import { decompressed } from './content-encoding.ts';
import type { Contract, Encoded } from './contract.ts';
import { parsedJson } from './errors-in-body.ts';
import { Exchange } from './exchange.ts';
import { isSecretName, Secrets, shownUrl } from './secrets.ts';
import { Sockets } from './sockets.ts';

export interface ApiBackendOptions {
  contract: Contract;
  task: Task;
  model?: string;
  /** Base or full URL as the contract understands it. */
  url: string;
  /** Sent to the URL's origin only. */
  token?: string;
  headers?: Readonly<Record<string, string>>;
  useCache: boolean;
  /** Answers larger than this are refused before they fill the memory. Default 256 MiB. */
  maxAnswerBytes?: number;
}

const MAX_ANSWER_BYTES = 256 * 2 ** 20;

/** Set by the contract or by HTTP itself. */
const RESERVED_HEADERS = new Set([
  'connection',
  'content-length',
  'content-type',
  'expect',
  'host',
  'keep-alive',
  'transfer-encoding',
  'upgrade',
]);

/**
 * An HTTP API behind a contract, over keep-alive connections to one origin. Nothing is pipelined: an answer that is
 * slow would delay those behind it. Redirects are not followed, so that the token never leaves the origin.
 */
export class ApiBackend implements Backend {
  readonly #options: ApiBackendOptions;
  /** As the server's own description has it, where it gave one. */
  #contract: Contract;
  readonly #task: Task;
  #url: URL;
  /** Of the URL; taking it apart for each request costs as much as to encode one. */
  #path: string;
  readonly #headers: ReadonlyMap<string, string>;
  /** The same, as name, value, name, value. */
  readonly #headerList: readonly string[];
  readonly #secrets: Secrets;
  readonly #maxAnswerBytes: number;
  readonly #sockets: Sockets;
  readonly #heard = new WeakSet<AbortSignal>();

  /** @throws {SluiceError} BACKEND_URL, BACKEND_HEADER */
  constructor(options: ApiBackendOptions) {
    const { contract, task, headers = {} } = options;
    const token = options.token?.trim();
    this.#options = options;
    this.#contract = contract;
    this.#task = task;
    this.#url = contract.urlFor(task, options.model, options.url);
    this.#path = pathOf(this.#url);
    this.#headers = requestHeaders(token, headers);
    this.#headerList = [...this.#headers].flat();
    this.#secrets = new Secrets(token, headers, this.#url);
    this.#maxAnswerBytes = options.maxAnswerBytes ?? MAX_ANSWER_BYTES;
    this.#sockets = new Sockets(this.#url.origin, {
      pipelining: 1,
      // An exchange has one timer for everything.
      headersTimeout: 0,
      bodyTimeout: 0,
      maxResponseSize: this.#maxAnswerBytes,
    });
  }

  get maxBatch(): number {
    return this.#contract.maxBatch(this.#task);
  }

  /**
   * Asks a server that describes itself to do so. One that does not answer this is no failure: a proxy may hide it, and
   * an outage is the scheduler's to wait for.
   */
  async ready(): Promise<void> {
    const { about } = this.#contract;
    if (about === undefined) return;
    const { model, url } = this.#options;
    const exchange = await this.#send(pathOf(about.urlFor(this.#task, model, url)), null, ABOUT_TIMEOUT_MS);
    if (exchange.failure !== undefined || exchange.status !== 200) return;
    this.#contract = about.informed(parsedJson(exchange.answer().toString()));
    this.#url = this.#contract.urlFor(this.#task, model, url);
    this.#path = pathOf(this.#url);
  }

  async call(
    questions: readonly Question[],
    { waitForModel, timeoutMs, signal }: CallOptions,
  ): Promise<CallOutcome> {
    if (signal?.aborted) return { ok: false, failure: aborted() };
    const encoded = this.#encode(questions, waitForModel);
    const exchange = await this.#send(this.#path, encoded, timeoutMs, signal);
    return exchange.failure === undefined
      ? this.#read(exchange, questions)
      : { ok: false, failure: this.#blotted(failed(exchange, timeoutMs)) };
  }

  preview(questions: readonly Question[]): string {
    const { body, contentType, headers } = this.#encode(questions, false);
    const shown = [...this.#headers].map(([name, value]) => `${name}: ${isSecretName(name) ? '***' : value}`);
    for (let i = 0; i < headers.length; i += 2) shown.push(`${headers[i]}: ${headers[i + 1]}`);
    return [
      `POST ${shownUrl(this.#url)}`,
      ...shown,
      `content-type: ${contentType}`,
      '',
      typeof body === 'string' ? shortened(body) : `<${body.byteLength} bytes>`,
    ].join('\n');
  }

  /** Calls in flight end as `aborted`. */
  async close(): Promise<void> {
    this.#sockets.abort();
    await this.#sockets.close();
  }

  /** @param encoded null for a GET */
  #send(path: string, encoded: Encoded | null, timeoutMs: number, signal?: AbortSignal): Promise<Exchange> {
    const headers =
      encoded === null
        ? [...this.#headerList]
        : [...this.#headerList, 'content-type', encoded.contentType, ...encoded.headers];
    const exchange = new Exchange(path, headers, encoded === null ? null : encoded.body, signal);
    if (signal !== undefined) this.#hear(signal);
    return exchange.sendOver(this.#sockets.take(), timeoutMs);
  }

  #encode(questions: readonly Question[], waitForModel: boolean): Encoded {
    const { model, useCache } = this.#options;
    return this.#contract.encode(this.#task, questions, {
      waitForModel,
      useCache,
      ...(model === undefined ? undefined : { model }),
    });
  }

  #read(exchange: Exchange, questions: readonly Question[]): CallOutcome {
    const { status, responseHeaders } = exchange;
    const plain = decompressed(exchange.answer(), responseHeaders['content-encoding'], this.#maxAnswerBytes);
    const isAnswer = status >= 200 && status <= 299;
    // The status of a refusal says enough where its words cannot be read.
    if ('failure' in plain && isAnswer) return { ok: false, failure: { status, ...plain.failure } };
    const body = 'failure' in plain ? Buffer.alloc(0) : this.#secrets.blotBytes(plain);
    if (!isAnswer) {
      return {
        ok: false,
        failure: this.#blotted(this.#contract.classify(status, responseHeaders, body.toString())),
      };
    }
    const decoded = this.#contract.decode(body, questions, this.#task);
    const requestId = requestIdIn(responseHeaders);
    const id = requestId === undefined ? undefined : { requestId: this.#secrets.blot(requestId) };
    if ('failure' in decoded) return { ok: false, failure: { status, ...id, ...decoded.failure } };
    return { ok: true, answers: decoded.answers, status, ...id };
  }

  /** What comes from outside the body, such as a location and a request id. */
  #blotted(failure: CallFailure): CallFailure {
    const { message, requestId } = failure;
    const blotted = { ...failure, message: this.#secrets.blot(message) };
    if (requestId !== undefined) blotted.requestId = this.#secrets.blot(requestId);
    return blotted;
  }

  /** One listener a signal: a run hands the same signal to each of its calls, and thousands may be in flight. */
  #hear(signal: AbortSignal): void {
    if (this.#heard.has(signal)) return;
    this.#heard.add(signal);
    signal.addEventListener('abort', () => this.#sockets.abort(signal), { once: true });
  }
}

/** What a server says about itself costs it nothing; longer it must not keep a run waiting. */
const ABOUT_TIMEOUT_MS = 5_000;

function pathOf({ pathname, search }: URL): string {
  return pathname + search;
}

function requestHeaders(
  token: string | undefined,
  further: Readonly<Record<string, string>>,
): Map<string, string> {
  const headers = new Map([
    ['user-agent', `sluice/${version}`],
    ['accept', 'application/json'],
    ['accept-encoding', 'identity'],
  ]);
  for (const [name, value] of Object.entries(further)) headers.set(name.toLowerCase(), value);
  if (token) headers.set('authorization', `Bearer ${token}`);
  for (const [name, value] of headers) checkHeader(name, value);
  return headers;
}

/** Before the first request; never with the value, which may be a credential. */
function checkHeader(name: string, value: string): void {
  if (RESERVED_HEADERS.has(name)) throw badHeader(`backend.headers cannot set ${name}`, 'Leave it out.');
  try {
    validateHeaderName(name);
    validateHeaderValue(name, value);
  } catch (error) {
    if (name === 'authorization') {
      throw badHeader(
        'backend.token has characters that no token has',
        'Look for a line break or a quote in it.',
        error,
      );
    }
    throw badHeader(
      `backend.headers has a header that cannot be sent: ${messageOf(error)}`,
      'Correct it.',
      error,
    );
  }
}

function badHeader(message: string, next: string, cause?: unknown): SluiceError {
  return new SluiceError('BACKEND_HEADER', message, { next, exit: Exit.usage, cause });
}

function failed({ failure, status }: Exchange, timeoutMs: number): CallFailure {
  if (failure === 'aborted') return aborted();
  const reason =
    failure instanceof Error
      ? classifyTransport(failure, status !== 0)
      : ({
          class: 'transient',
          kind: 'timeout',
          message: `no whole answer within ${timeoutMs / 1000} s`,
        } as const);
  return status === 0 ? reason : { ...reason, status };
}

function aborted(): CallFailure {
  return { class: 'aborted', kind: 'aborted', message: 'stopped' };
}

/** Characters of a body that a preview shows. */
const PREVIEW_LENGTH = 2000;

function shortened(text: string): string {
  const rest = text.length - PREVIEW_LENGTH;
  return rest > 0 ? `${text.slice(0, PREVIEW_LENGTH)}… (${rest} more characters)` : text;
}
