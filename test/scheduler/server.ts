import { setMaxListeners } from 'node:events';
import type { CallFailure, CallOptions } from '../../src/backends/backend.ts';
import { Governor } from '../../src/scheduler/governor.ts';
import type { ItemFailure } from '../../src/scheduler/item-failure.ts';
import { Scheduler } from '../../src/scheduler/scheduler.ts';
import type { AttemptOutcome, Ending, Settled } from '../../src/scheduler/types.ts';
import { VirtualClock } from './virtual-clock.ts';

/** A request as the simulated server sees it. */
export interface SimulatedRequest {
  items: readonly number[];
  /** Virtual time, and requests in flight with this one. */
  now: number;
  inFlight: number;
  /** How many the governor allows at this time. */
  limit: number;
  waitForModel: boolean;
  /** How often the first of the items was asked, this time included. */
  attempt: number;
}

/** Rows that the source gives at once. */
const rowsInPiece = 50;

/** What the server says: nothing is an answer. */
export type Script = (request: SimulatedRequest) => Partial<CallFailure> | undefined;

export interface Simulation {
  rows: number;
  script: Script;
  latencyMs?: number;
  concurrency?: number;
  batchSize?: number;
  /** Bytes of every row. */
  rowBytes?: number;
  maxAttempts?: number;
  giveUpAfterMs?: number;
  waitForModel?: 'auto' | boolean;
  budget?: { maxRequests?: number; maxRuntimeMs?: number };
  requestsPerSecond?: number;
  /** Called when a row is settled; may stop the run. */
  onSettled?: (scheduler: Scheduler<number, string>, settled: number) => void;
  seed?: number;
}

export interface Simulated {
  ending: Ending;
  settled: Settled<number, string>[];
  succeeded: number[];
  failed: { item: number; attempts: number; failure: ItemFailure }[];
  requests: (SimulatedRequest & { answered: boolean })[];
  /** Virtual ms. */
  duration: number;
  maxInFlight: number;
  /** Rows read from the source and not settled, at most. */
  maxInMemory: number;
}

/** Runs a scheduler against a scripted server on a virtual clock. */
export async function simulate(simulation: Simulation): Promise<Simulated> {
  const { rows, script, latencyMs = 100, concurrency = 32, batchSize = 1 } = simulation;
  const clock = new VirtualClock();
  const random = seeded(simulation.seed ?? 1);
  const asked = new Map<number, number>();
  const result: Simulated = {
    ending: { kind: 'done' },
    settled: [],
    succeeded: [],
    failed: [],
    requests: [],
    duration: 0,
    maxInFlight: 0,
    maxInMemory: 0,
  };
  let [inFlight, read] = [0, 0];

  const attempt = async (items: readonly number[], how: CallOptions): Promise<AttemptOutcome<string>> => {
    inFlight++;
    result.maxInFlight = Math.max(result.maxInFlight, inFlight);
    for (const item of items) asked.set(item, (asked.get(item) ?? 0) + 1);
    const request = {
      items,
      now: clock.now(),
      inFlight,
      limit: governor.limit,
      waitForModel: how.waitForModel,
      attempt: asked.get(items[0]!)!,
    };
    const said = script(request);
    await clock.sleep(latencyMs, how.signal);
    inFlight--;
    if (how.signal?.aborted)
      return { ok: false, failure: { class: 'aborted', kind: 'aborted', message: 'aborted' } };
    result.requests.push({ ...request, answered: said === undefined });
    if (said === undefined) return { ok: true, results: items.map((item) => `answer ${item}`) };
    return { ok: false, failure: { class: 'transient', kind: 'server', message: 'scripted', ...said } };
  };
  const governor = new Governor({
    limit: { min: 1, max: concurrency, start: concurrency },
    ...(simulation.requestsPerSecond === undefined
      ? {}
      : { requestsPerSecond: simulation.requestsPerSecond }),
    maxDelayMs: 30_000,
    mayWaitForModel: simulation.waitForModel !== false,
    random,
  });
  const scheduler = new Scheduler<number, string>({
    attempt: (items, how) => {
      if (how.signal !== undefined) setMaxListeners(0, how.signal);
      return attempt(items, how);
    },
    governor,
    clock,
    random,
    retry: {
      maxAttempts: simulation.maxAttempts ?? 8,
      baseDelayMs: 500,
      maxDelayMs: 30_000,
      giveUpAfterMs: simulation.giveUpAfterMs ?? 600_000,
    },
    batchSize,
    ...(simulation.rowBytes === undefined ? {} : { bytesOf: () => simulation.rowBytes ?? 0 }),
    timeoutMs: 120_000,
    waitForModel: simulation.waitForModel ?? 'auto',
    ...(simulation.budget === undefined ? {} : { budget: simulation.budget }),
    onSettled: (settled) => {
      result.settled.push(settled);
      if ('failure' in settled) result.failed.push(settled);
      else result.succeeded.push(settled.item);
      simulation.onSettled?.(scheduler, result.settled.length);
      return undefined;
    },
  });
  function* piece(from: number): Generator<number> {
    for (let i = from; i < Math.min(rows, from + rowsInPiece); i++) {
      read++;
      result.maxInMemory = Math.max(result.maxInMemory, read - result.settled.length);
      yield i;
    }
  }
  async function* source(): AsyncGenerator<Iterable<number>> {
    for (let i = 0; i < rows; i += rowsInPiece) yield piece(i);
  }
  result.ending = await clock.run(scheduler.run(source()));
  result.duration = clock.now();
  return result;
}

/** mulberry32 */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
