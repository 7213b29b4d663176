/** Time as the scheduler sees it, so that an hour of outage is tested in milliseconds. */
export interface Clock {
  /** Milliseconds, monotonic; only differences mean anything. */
  now(): number;
  /** Resolves after `ms`, or at once when the signal aborts (it never rejects). */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** `setTimeout` fires at once for anything longer: a `max_runtime_s` of a month would end the run as it begins. */
const longestTimerMs = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => performance.now(),
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const end = performance.now() + ms;
      let timer: NodeJS.Timeout;
      const done = () => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', done);
        resolve();
      };
      const wait = () => {
        const left = end - performance.now();
        timer = left > longestTimerMs ? setTimeout(wait, longestTimerMs) : setTimeout(done, left);
      };
      wait();
      signal?.addEventListener('abort', done, { once: true });
    }),
};
