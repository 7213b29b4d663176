import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Exit, SluiceError } from '../errors.ts';
import { findTask } from '../tasks/index.ts';
import type { Task } from '../tasks/task.ts';
import { faultFor } from './faults.ts';
import type { FaultShares } from './faults.ts';
import { BadRequest, inputSha, readPayload } from './payload.ts';
import type { Payload } from './payload.ts';
import { RateLimit } from './rate-limit.ts';
import { replyFault, replyJson } from './reply.ts';
import { routeOf } from './route.ts';
import { Statistics } from './stats.ts';
import type { EmulatorStats, InputCount } from './stats.ts';

export interface EmulatorOptions {
  /** Default 0: a free one. */
  port?: number;
  /** Default 127.0.0.1. */
  host?: string;
  /** Chooses which attempts meet faults. Default 0. */
  seed?: number;
  /** Before each answer. Default 0. */
  latencyMs?: number;
  faults?: FaultShares;
  /** From the first request on the model is loading for so long. */
  loadingS?: number | undefined;
  /** Requests a second that pass; the others get 429. */
  rate?: number | undefined;
  /** Requests in flight that are served; more get 503. */
  places?: number | undefined;
  /** Requests without it get 401. */
  token?: string | undefined;
  /** Name or alias of the task for requests that do not tell. */
  task?: string | undefined;
  /** Inputs that contain it get 400, and a batch with one of them. Default `[[poison]]`. */
  poison?: string;
  /** How late `slow` answers. Default 5. */
  slowS?: number;
  /** What the fault 429 asks for. Default 1. */
  retryAfterS?: number;
}

export interface Emulator {
  url: string;
  stats(): EmulatorStats;
  /** By `inputSha`. */
  perInput(): ReadonlyMap<string, InputCount>;
  /** Ends open requests without an answer. */
  close(): Promise<void>;
}

export const POISON = '[[poison]]';

/** Bodies above this get 413. */
const MAX_BODY_BYTES = 64 * 2 ** 20;

/**
 * A local server that speaks like the Inference API: it answers deterministically and fails on demand.
 * @throws {SluiceError} EMULATE_PORT, EMULATE_TASK
 */
export async function startEmulator(options: EmulatorOptions = {}): Promise<Emulator> {
  const running = new RunningEmulator(options);
  const { port = 0, host = '127.0.0.1' } = options;
  await new Promise<void>((resolve, reject) => {
    running.server.once('error', (cause) => {
      const next = 'Choose another one with --port.';
      reject(
        new SluiceError('EMULATE_PORT', `cannot listen on ${host}:${port}: ${cause.message}`, {
          next,
          cause,
        }),
      );
    });
    running.server.listen(port, host, resolve);
  });
  const { port: actual } = running.server.address() as AddressInfo;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${actual}`,
    stats: () => running.statistics.snapshot(),
    perInput: () => running.statistics.perInput,
    close: () => running.close(),
  };
}

class RunningEmulator {
  readonly statistics = new Statistics();
  readonly server: Server;
  readonly #options: EmulatorOptions;
  readonly #task: Task | undefined;
  readonly #rateLimit: RateLimit | undefined;
  /** Attempts so far, by the inputs of a request. */
  readonly #attempts = new Map<string, number>();
  readonly #timers = new Set<NodeJS.Timeout>();
  /** When the model will be loaded; undefined before the first request. */
  #loadedAt: number | undefined;

  constructor(options: EmulatorOptions) {
    this.#options = options;
    this.#task = options.task === undefined ? undefined : knownTask(options.task);
    this.#rateLimit = options.rate === undefined ? undefined : new RateLimit(options.rate, performance.now());
    // Long, so that connections end only where a test wants them to.
    this.server = createServer({ keepAliveTimeout: 600_000 }, (request, response) => {
      this.#serve(request, response).catch((error: unknown) => {
        // A bug here must show as a failed request, not end the server.
        if (!response.headersSent) replyJson(response, 500, { error: String(error) });
        else response.destroy();
      });
    });
    this.server.on('connection', () => this.statistics.connected());
  }

  async close(): Promise<void> {
    for (const timer of this.#timers) clearTimeout(timer);
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url ?? '/';
    if (request.method === 'GET') return this.#describe(path, response);
    const body = await bodyOf(request);
    if (body === 'broken') return;
    this.statistics.arrived();
    response.once('close', () => this.statistics.left(response.headersSent ? response.statusCode : 0));
    if (body === 'too large') return replyJson(response, 413, { error: 'Payload Too Large' });
    const route = request.method === 'POST' ? routeOf(path) : undefined;
    if (
      this.#options.token !== undefined &&
      request.headers.authorization !== `Bearer ${this.#options.token}`
    ) {
      return replyJson(response, 401, { error: 'Invalid credentials in Authorization header' });
    }
    if (route === undefined)
      return replyJson(response, 404, { error: `${request.method} ${path} is not served` });
    if (route.model.includes('missing')) {
      return replyJson(response, 404, { error: `Model ${route.model} does not exist` });
    }
    let payload: Payload;
    try {
      const waits = /^(?:1|true)$/.test(String(request.headers['x-wait-for-model']));
      const contentType = request.headers['content-type'] ?? '';
      payload = readPayload(body, contentType, waits, route.task ?? this.#task);
    } catch (error) {
      if (error instanceof BadRequest) return replyJson(response, 400, { error: [error.message] });
      throw error;
    }
    await this.#answer(payload, route.model, response);
  }

  async #answer(payload: Payload, model: string, response: ServerResponse): Promise<void> {
    if (await this.#refusesForLoading(payload.waitForModel, model, response)) return;
    if (this.#refusesForLoad(response)) return;
    const { faults = {}, seed = 0, latencyMs = 0, slowS = 5, retryAfterS = 1 } = this.#options;
    const inputs = payload.items.map(inputSha);
    response.setHeader('x-request-id', inputs[0]?.slice(0, 16) ?? '');
    const fault = this.#isPoisoned(payload)
      ? '400'
      : faultFor(faults, seed, inputs.join(), this.#nextAttempt(inputs));
    this.statistics.asked(inputs);
    if (fault !== undefined) this.statistics.met(fault);
    if (latencyMs > 0) await this.#sleep(latencyMs);
    if (fault === 'slow') await this.#sleep(slowS * 1000);
    const answer = answerTo(payload);
    if (fault !== undefined && fault !== 'slow') return replyFault(response, fault, { answer, retryAfterS });
    // Gone: nobody is charged for an answer that nobody can receive.
    if (response.destroyed) return;
    this.statistics.answered(inputs);
    replyJson(response, 200, answer, { 'x-compute-type': 'cpu' });
  }

  /** 503 with an estimate that never changes, as the API's does; a request that wants to wait is held. */
  async #refusesForLoading(waits: boolean, model: string, response: ServerResponse): Promise<boolean> {
    const { loadingS = 0 } = this.#options;
    this.#loadedAt ??= performance.now() + loadingS * 1000;
    const left = this.#loadedAt - performance.now();
    if (left <= 0) return false;
    this.statistics.cameWhileLoading(waits);
    if (waits) {
      await this.#sleep(left);
      return false;
    }
    replyJson(response, 503, { error: `Model ${model} is currently loading`, estimated_time: loadingS });
    return true;
  }

  #refusesForLoad(response: ServerResponse): boolean {
    const { places = Number.POSITIVE_INFINITY } = this.#options;
    if (this.statistics.inFlight() > places) {
      this.statistics.met('places');
      replyJson(response, 503, { error: 'Service overloaded, please try again later' });
      return true;
    }
    const wait = this.#rateLimit?.take(performance.now()) ?? 0;
    if (wait > 0) {
      this.statistics.met('rate');
      replyJson(response, 429, { error: 'Rate limit reached' }, { 'retry-after': Math.ceil(wait) });
    }
    return wait > 0;
  }

  #isPoisoned({ items }: Payload): boolean {
    const marker = this.#options.poison ?? POISON;
    const isMarked = (value: unknown): boolean => typeof value === 'string' && value.includes(marker);
    return items.some((item) =>
      Object.values(item).some((value) => isMarked(value) || [value].flat().some(isMarked)),
    );
  }

  #nextAttempt(inputs: readonly string[]): number {
    const key = inputs.join();
    const attempt = (this.#attempts.get(key) ?? 0) + 1;
    this.#attempts.set(key, attempt);
    return attempt;
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#timers.delete(timer);
        resolve();
      }, ms);
      this.#timers.add(timer);
    });
  }

  #describe(path: string, response: ServerResponse): void {
    const { pathname, searchParams } = new URL(path, 'http://emulator');
    if (pathname === '/stats') {
      const perInput = searchParams.has('inputs') ? Object.fromEntries(this.statistics.perInput) : undefined;
      replyJson(response, 200, { ...this.statistics.snapshot(), perInput });
    } else if (pathname === '/') {
      response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' }).end(HELP);
    } else {
      replyJson(response, 404, { error: `GET ${pathname} is not served` });
    }
  }
}

const HELP = `sluice emulate: speaks like the Hugging Face Inference API

POST /models/{model}                            ask; the task is told by ?task=, the model's name or the payload
POST /models/{model}/pipeline/{task}            ask for a task
POST /hf-inference/models/{model}               the same, as the router has it
POST /pipeline/{task}/{model}                   the same, as it once was
GET  /stats                                     what was asked and answered; with ?inputs also for each input
`;

/** A task's answer stands in a list of its own; in a list of answers that one is left out. */
function answerTo({ task, items, isBatch, parameters }: Payload): unknown {
  const answers = items.map((item) => task.emulate(item, parameters));
  if (!isBatch) return answers[0];
  return answers.map((answer) =>
    Array.isArray(answer) && answer.length === 1 && typeof answer[0] === 'object' ? answer[0] : answer,
  );
}

function knownTask(name: string): Task {
  const task = findTask(name);
  if (task === undefined) {
    const next = '`sluice tasks` lists them.';
    throw new SluiceError('EMULATE_TASK', `unknown task: ${name}`, { next, exit: Exit.usage });
  }
  return task;
}

/** Read to its end also where it is too large: a client that is still sending would see a reset and not the 413. */
async function bodyOf(request: IncomingMessage): Promise<Buffer | 'too large' | 'broken'> {
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of request) {
      length += chunk.length;
      if (length <= MAX_BODY_BYTES) chunks.push(chunk);
    }
  } catch {
    // The client went away in the middle of its request; nobody is left to answer.
    return 'broken';
  }
  return length > MAX_BODY_BYTES ? 'too large' : Buffer.concat(chunks);
}
