import type { CallFailure } from '../backends/backend.ts';

/** What one request came to, as far as the endpoint is concerned. */
export type Verdict =
  /** An answer, or a refusal that is about the rows and not about the endpoint. */
  | { ok: true }
  /** `suspect`: these rows have failed while others succeeded, so this says little about the endpoint. */
  | { ok: false; failure: CallFailure; suspect: boolean };

export interface GovernorOptions {
  /** Requests in flight: bounds, and where to begin. */
  limit: { min: number; max: number; start: number };
  requestsPerSecond?: number;
  requestsPerMinute?: number;
  /** Longest pause that the governor chooses itself, ms. What a server asks for is kept, however long. */
  maxDelayMs: number;
  /** Whether a request may ask the server to hold it while the model loads. */
  mayWaitForModel: boolean;
  random: () => number;
  /** It is known that it answers: the first request needs not go alone. */
  proven?: boolean;
}

/** What a request that may go out now is: the one that tries whether the endpoint is back, or an ordinary one. */
export interface Permit {
  sentAt: number;
  probe: boolean;
  /** The endpoint has said that it is loading: this request should wait for it. */
  waitForModel: boolean;
}

type State = 'unproven' | 'open' | 'loading' | 'down';

/** Failures in a row, of rows that are not themselves suspect, after which the endpoint counts as down. */
const failuresToDown = 8;

/**
 * The one place for each endpoint that decides when the next request may go.
 *
 * It holds the whole endpoint, not one row, when the server asks for a pause; lets a single probe through while a model
 * loads or a server is down; and keeps the number of requests in flight at what the server takes (additive increase,
 * multiplicative decrease). Pure: the caller gives the time. Times are in ms.
 */
export class Governor {
  readonly #options: GovernorOptions;
  #limit: number;
  #state: State;
  #probing = false;
  /** When the next probe may go, while not open. */
  #probeAt = 0;
  #downSince = 0;
  #probes = 0;
  /** Nothing goes out before this time: the server asked for it. */
  #pausedUntil = 0;
  /** Pauses in a row that the server gave no length for. */
  #pauses = 0;
  /** Requests sent before this time belong to a burst whose lesson has been learnt. */
  #cutAt = Number.NEGATIVE_INFINITY;
  #failuresInARow = 0;
  /** Since when there have been nothing but failures. */
  #failingSince: number | undefined;
  /** Earliest time of the next request under the rate ceilings. */
  #nextSlot = 0;
  readonly #slotMs: number;

  constructor(options: GovernorOptions) {
    this.#options = options;
    this.#limit = options.limit.start;
    this.#state = options.proven ? 'open' : 'unproven';
    const perSecond = options.requestsPerSecond ?? Number.POSITIVE_INFINITY;
    const perMinute = options.requestsPerMinute ?? Number.POSITIVE_INFINITY;
    this.#slotMs = Math.max(1000 / perSecond, 60_000 / perMinute);
  }

  /** Requests that may be in flight. */
  get limit(): number {
    return Math.max(this.#options.limit.min, Math.floor(this.#limit));
  }

  /** Why nothing but a probe goes out, in a word for progress; undefined when requests flow. */
  held(now: number): 'loading' | 'down' | 'paused' | undefined {
    if (this.#state === 'loading' || this.#state === 'down') return this.#state;
    return now < this.#pausedUntil ? 'paused' : undefined;
  }

  /** For how long, in ms, the endpoint has answered nothing but failures; 0 when the last answer was a good one. */
  failingFor(now: number): number {
    return this.#failingSince === undefined ? 0 : now - this.#failingSince;
  }

  /**
   * May a request go out now?
   * @returns 0: yes, and `sent` must follow; more: not before so many ms; undefined: not before another answer came
   */
  allow(now: number, inFlight: number): number | undefined {
    if (now < this.#pausedUntil) return this.#pausedUntil - now;
    if (this.#state !== 'open') {
      if (this.#probing) return undefined;
      if (now < this.#probeAt) return this.#probeAt - now;
      return Math.max(0, this.#nextSlot - now);
    }
    if (inFlight >= this.limit) return undefined;
    return Math.max(0, this.#nextSlot - now);
  }

  sent(now: number): Permit {
    // Slots that were not used are lost: after a pause there is no burst above the ceiling.
    this.#nextSlot = Math.max(this.#nextSlot, now) + this.#slotMs;
    const probe = this.#state !== 'open';
    this.#probing ||= probe;
    return { sentAt: now, probe, waitForModel: this.#state === 'loading' };
  }

  done(now: number, permit: Permit, verdict: Verdict): void {
    if (permit.probe) this.#probing = false;
    if (verdict.ok) {
      this.#success(now, permit);
      return;
    }
    const { failure, suspect } = verdict;
    this.#failingSince ??= permit.sentAt;
    switch (failure.class) {
      case 'loading':
        this.#hold(now, permit, 'loading', failure.estimatedMs);
        return;
      case 'throttled':
      case 'overloaded':
        this.#backPressure(permit, now);
        if (failure.kind === 'refused' && failure.retryAfterMs === undefined) this.#hold(now, permit, 'down');
        else this.#pause(now, permit, failure.retryAfterMs);
        return;
      case 'transient':
        if (failure.kind === 'reset') this.#backPressure(permit, now);
        if (failure.retryAfterMs) this.#pause(now, permit, failure.retryAfterMs);
        if (suspect && this.#state !== 'down') return;
        this.#failuresInARow++;
        if (this.#state === 'down' || this.#failuresInARow >= Math.max(failuresToDown, this.limit)) {
          this.#hold(now, permit, 'down');
        }
        return;
      default:
        return;
    }
  }

  #success(now: number, permit: Permit): void {
    // Sent before the server asked for a pause: if nothing is good after it, this was the last good answer. Forgotten
    // here, a pause of a year would be waited for.
    this.#failingSince = now < this.#pausedUntil ? now : undefined;
    this.#failuresInARow = 0;
    this.#pauses = 0;
    if (this.#state === 'loading' || this.#state === 'down') {
      // An answer to a request that was sent before the trouble began says nothing of now.
      if (!permit.probe) return;
      this.#limit = Math.max(this.#options.limit.min, this.#limit * 0.75);
      this.#probes = 0;
    }
    this.#state = 'open';
    this.#limit = Math.min(this.#options.limit.max, this.#limit + 1 / Math.max(1, this.#limit));
  }

  /** Fewer places, once for each burst: requests sent before the last cut were sent under the old limit. */
  #backPressure(permit: Permit, now: number): void {
    if (permit.sentAt < this.#cutAt) return;
    this.#cutAt = now;
    this.#limit = Math.max(this.#options.limit.min, this.#limit * 0.7);
  }

  #pause(now: number, permit: Permit, askedMs: number | undefined): void {
    let ms: number;
    // `Retry-After: 0` and a date that is past tell no time either; taken at their word, all would come back at once.
    if (!askedMs) {
      // One lesson for each burst: 32 refusals at once are one reason to wait, not 32.
      if (permit.sentAt < this.#pausedUntil) return;
      ms =
        Math.min(this.#options.maxDelayMs, 250 * 2 ** this.#pauses++) * (0.75 + this.#options.random() / 2);
    } else {
      // Never earlier than asked; a little later, so that many clients do not return in the same millisecond.
      ms = askedMs + this.#options.random() * 20;
    }
    this.#pausedUntil = Math.max(this.#pausedUntil, now + ms);
  }

  #hold(now: number, permit: Permit, state: 'loading' | 'down', estimatedMs?: number): void {
    const entering = this.#state !== state;
    // Late answers of the same burst: the state they report is known.
    if (!entering && !permit.probe) return;
    if (entering) {
      this.#state = state;
      this.#downSince = now;
      this.#probes = 0;
    }
    const wait = state === 'loading' ? this.#loadingWait(permit, estimatedMs) : this.#downWait(now);
    this.#probes++;
    this.#probeAt = now + wait;
  }

  /**
   * The first probe goes at once and asks the server to hold it until the model is there. A server that refuses it all
   * the same is polled: at a quarter of its estimate, between 1 and 5 s, because some say 20 s for ever.
   */
  #loadingWait(permit: Permit, estimatedMs = 4_000): number {
    if (!permit.waitForModel && this.#options.mayWaitForModel) return 0;
    return Math.min(5_000, Math.max(1_000, estimatedMs / 4));
  }

  #downWait(now: number): number {
    const down = now - this.#downSince;
    const base = down > 60_000 ? 5_000 : down > 10_000 ? 1_000 : ([100, 250][this.#probes] ?? 500);
    return base * (0.8 + 0.4 * this.#options.random());
  }
}
