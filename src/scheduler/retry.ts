/** How failures of a row are tried again. */
export interface RetryPolicy {
  /** Attempts for one row, the first included. */
  maxAttempts: number;
  baseDelayMs: number;
  maxDelayMs: number;
  /** An endpoint that answers nothing but failures for this long ends the run. */
  giveUpAfterMs: number;
}

/**
 * Full jitter: a uniform share of `base * 2^(attempt - 1)`, capped; many rows that failed together do not come back
 * together. (Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog 2015.) Never earlier than the server asked.
 */
export function backOffMs(policy: RetryPolicy, attempt: number, random: () => number, askedMs = 0): number {
  const ceiling = Math.min(policy.maxDelayMs, policy.baseDelayMs * 2 ** Math.max(0, attempt - 1));
  return Math.max(askedMs, ceiling * random());
}
