import type { CallFailure, CallOptions } from '../backends/backend.ts';
import type { Clock } from './clock.ts';
import type { Governor } from './governor.ts';
import type { ItemFailure } from './item-failure.ts';
import type { BatchingOptions } from './read-ahead.ts';
import type { RetryPolicy } from './retry.ts';

/** What an attempt came to: a result or a failure for each item, or one failure for all of them. */
export type AttemptOutcome<R> =
  | { ok: true; results: readonly (R | ItemFailure)[]; status?: number }
  | { ok: false; failure: CallFailure };

/** Asks for some items at once. Resolves to what came of it, and never rejects for what the other side does. */
export type Attempt<T, R> = (items: readonly T[], how: CallOptions) => Promise<AttemptOutcome<R>>;

/** An item with its result, or with why it has none. Every item is settled once, unless the run ends before. */
export type Settled<T, R> = { item: T; attempts: number } & ({ result: R } | { failure: ItemFailure });

export interface SchedulerOptions<T, R> extends BatchingOptions<T> {
  attempt: Attempt<T, R>;
  governor: Governor;
  retry: RetryPolicy;
  clock: Clock;
  random: () => number;
  /** For one attempt, ms. */
  timeoutMs: number;
  /** `auto`: only a request that follows a 503 'loading' asks the server to wait. */
  waitForModel: 'auto' | boolean;
  budget?: { maxRequests?: number; maxRuntimeMs?: number };
  /** A returned promise is back-pressure: the place of the request is free only when it resolves. */
  onSettled: (settled: Settled<T, R>) => Promise<void> | undefined;
  onEvent?: (event: SchedulerEvent) => void;
}

/** What happened to a request that did not succeed; for logs. */
export interface SchedulerEvent {
  type: 'request-failed';
  failure: CallFailure;
  rows: number;
}

/** How a run ended. Items that were not settled by then stay as they are: pending. */
export type Ending =
  | { kind: 'done' }
  | { kind: 'fatal'; failure: CallFailure }
  | { kind: 'gave-up'; failure: CallFailure; afterMs: number }
  | { kind: 'budget'; which: 'max_requests' | 'max_runtime_s' }
  | { kind: 'stopped' };

/** Figures of a run, for progress and reports. */
export interface Snapshot {
  inFlight: number;
  limit: number;
  /** Why the endpoint is held, if it is. */
  held: 'loading' | 'down' | 'paused' | undefined;
  requests: number;
  /** Requests that were sent because an earlier one had failed. */
  retries: number;
  succeeded: number;
  failed: number;
  /** Requests by what they came to: a status, or the kind of a failure without one. */
  outcomes: Record<string, number>;
  lastStatus: number | string | undefined;
  sinceAnswerMs: number;
}
