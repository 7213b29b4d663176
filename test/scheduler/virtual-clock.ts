import type { Clock } from '../../src/scheduler/clock.ts';

interface Timer {
  at: number;
  order: number;
  wake: () => void;
}

/**
 * A clock whose time passes only when everybody waits: an hour of outage takes milliseconds. `run` advances it from
 * timer to timer until the work is done.
 */
export class VirtualClock implements Clock {
  #now = 0;
  #order = 0;
  readonly #timers: Timer[] = [];

  now(): number {
    return this.#now;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const timer = { at: this.#now + ms, order: this.#order++, wake: resolve };
      this.#timers.push(timer);
      signal?.addEventListener(
        'abort',
        () => {
          const at = this.#timers.indexOf(timer);
          if (at >= 0) this.#timers.splice(at, 1);
          resolve();
        },
        { once: true },
      );
    });
  }

  /** Lets the work run to its end; fails when nothing is left that could wake it, or after a day of its time. */
  async run<T>(work: Promise<T>): Promise<T> {
    let done = false;
    const finished = work.finally(() => {
      done = true;
    });
    finished.catch(() => undefined);
    for (;;) {
      // Everything that can happen now happens before time moves on.
      await new Promise((resolve) => setImmediate(resolve));
      if (done) return finished;
      let next: Timer | undefined;
      for (const timer of this.#timers) {
        if (next === undefined || timer.at < next.at || (timer.at === next.at && timer.order < next.order))
          next = timer;
      }
      if (next === undefined) throw new Error(`everything waits for ever, at ${this.#now} ms`);
      this.#timers.splice(this.#timers.indexOf(next), 1);
      this.#now = Math.max(this.#now, next.at);
      if (this.#now > 86_400_000) throw new Error('a day has passed');
      next.wake();
    }
  }
}
