/** A token bucket that holds one second's worth: what comes evenly passes, what comes at once is refused. */
export class RateLimit {
  readonly #perSecond: number;
  readonly #capacity: number;
  #tokens: number;
  #refilledAt: number;

  constructor(perSecond: number, now: number) {
    this.#perSecond = perSecond;
    this.#capacity = Math.max(1, perSecond);
    this.#tokens = this.#capacity;
    this.#refilledAt = now;
  }

  /** 0 where the request may pass, else the seconds until one may. `now` in milliseconds. */
  take(now: number): number {
    const refilled = this.#tokens + ((now - this.#refilledAt) / 1000) * this.#perSecond;
    this.#tokens = Math.min(this.#capacity, refilled);
    this.#refilledAt = now;
    if (this.#tokens < 1) return (1 - this.#tokens) / this.#perSecond;
    this.#tokens -= 1;
    return 0;
  }
}
