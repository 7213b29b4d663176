import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Exit, SluiceError } from '../errors.ts';
import { findTask } from '../tasks/index.ts';
import type { JsonObject } from '../tasks/shapes.ts';
import { type Task, Unanswerable } from '../tasks/task.ts';
import { describe } from './describe.ts';
import type { Dialect } from './dialect.ts';
import { faultFor } from './faults.ts';
import type { FaultShares } from './faults.ts';
import { hf } from './hf.ts';
import { BadRequest, inputSha } from './payload.ts';
import type { Payload } from './payload.ts';
import { RateLimit } from './rate-limit.ts';
import { replyError, replyFault, replyJson } from './reply.ts';
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
  /** Inputs that contain it are refused, and a batch with one of them. Default `[[poison]]`. */
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
    if (request.method === 'GET') return describe(path, response, this.statistics, this.#task);
    const body = await bodyOf(request);
    if (body === 'broken') return;
    this.statistics.arrived();
    response.once('close', () => this.statistics.left(response.headersSent ? response.statusCode : 0));
    const route = request.method === 'POST' ? routeOf(path) : undefined;
    const { dialect } = route ?? { dialect: hf };
    const refuse = (status: number, words: string) => replyError(response, dialect, status, words);
    if (body === 'too large') return refuse(413, 'Payload Too Large');
    const { token } = this.#options;
    if (token !== undefined && request.headers.authorization !== `Bearer ${token}`)
      return refuse(401, 'Invalid credentials in Authorization header');
    if (route === undefined) return refuse(404, `${request.method} ${path} is not served`);
    try {
      const payload = dialect.read({
        body,
        contentType: request.headers['content-type'] ?? '',
        waits: /^(?:1|true)$/.test(String(request.headers['x-wait-for-model'])),
        task: route.task,
        guess: this.#task ?? route.guess,
      });
      const { model = route.model } = payload;
      if (model.includes('missing')) return refuse(404, `Model ${model} does not exist`);
      await this.#answer(payload, model, dialect, response);
    } catch (error) {
      if (!(error instanceof BadRequest || error instanceof Unanswerable)) throw error;
      refuse(dialect.refusal, error.message);
    }
  }

  async #answer(payload: Payload, model: string, dialect: Dialect, response: ServerResponse): Promise<void> {
    if (await this.#refusesForLoading(payload.waitForModel, model, dialect, response)) return;
    if (this.#refusesForLoad(dialect, response)) return;
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
    const { task, items, parameters } = payload;
    const answer = dialect.answer(
      payload,
      items.map((item) => task.emulate(item, parameters)),
    );
    if (fault !== undefined && fault !== 'slow')
      return replyFault(response, fault, { answer, dialect, retryAfterS });
    // Gone: nobody is charged for an answer that nobody can receive.
    if (response.destroyed) return;
    this.statistics.answered(inputs);
    replyJson(response, 200, answer, { 'x-compute-type': 'cpu' });
  }

  /** 503 with an estimate that never changes, as the API's does; a request that wants to wait is held. */
  async #refusesForLoading(
    waits: boolean,
    model: string,
    dialect: Dialect,
    response: ServerResponse,
  ): Promise<boolean> {
    const { loadingS = 0 } = this.#options;
    this.#loadedAt ??= performance.now() + loadingS * 1000;
    const left = this.#loadedAt - performance.now();
    if (left <= 0) return false;
    this.statistics.cameWhileLoading(waits);
    if (waits) {
      await this.#sleep(left);
      return false;
    }
    const error = dialect.error(503, `Model ${model} is currently loading`) as JsonObject;
    replyJson(response, 503, dialect.estimates ? { ...error, estimated_time: loadingS } : error);
    return true;
  }

  #refusesForLoad(dialect: Dialect, response: ServerResponse): boolean {
    const { places = Number.POSITIVE_INFINITY } = this.#options;
    if (this.statistics.inFlight() > places) {
      this.statistics.met('places');
      replyError(response, dialect, dialect.overload, 'Service overloaded, please try again later');
      return true;
    }
    const wait = this.#rateLimit?.take(performance.now()) ?? 0;
    if (wait > 0) {
      this.statistics.met('rate');
      replyError(response, dialect, 429, 'Rate limit reached', { 'retry-after': Math.ceil(wait) });
    }
    return wait > 0;
  }

  #isPoisoned({ items }: Payload): boolean {
    const marker = this.#options.poison ?? POISON;
    const isMarked = (value: unknown): boolean => {
      if (typeof value === 'string') return value.includes(marker);
      return isContainer(value) && Object.values(value).some(isMarked);
    };
    return items.some(isMarked);
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
}

/** Bytes are looked through by nobody. */
function isContainer(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !(value instanceof Uint8Array);
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
