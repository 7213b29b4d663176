import type { Logger } from 'pino';
import { Exit } from '../errors.ts';
import type { Outcome } from '../runs/outcome.ts';

/**
 * The way out by signals. The first Ctrl-C or TERM lets what is in flight come in and journals it; the second leaves at
 * once: what is synced is safe, the next run goes on there.
 */
export class Signals {
  readonly #onSignal: (signal: NodeJS.Signals) => void;
  #received: NodeJS.Signals | undefined;

  constructor(stop: () => void, log: Logger) {
    this.#onSignal = (signal) => {
      const exit = signal === 'SIGTERM' ? Exit.terminated : Exit.interrupted;
      if (this.#received !== undefined) process.exit(exit);
      this.#received = signal;
      log.warn(
        { event: 'interrupted', signal },
        `${signal}: waiting for what is in flight; once more leaves at once`,
      );
      stop();
    };
    process.on('SIGINT', this.#onSignal);
    process.on('SIGTERM', this.#onSignal);
  }

  /** A run that ended because it was interrupted exits with the signal's code; one that was done anyway does not. */
  apply(outcome: Outcome): Outcome {
    if (this.#received !== 'SIGTERM' || outcome.exit !== Exit.interrupted) return outcome;
    return { ...outcome, exit: Exit.terminated };
  }

  dispose(): void {
    process.off('SIGINT', this.#onSignal);
    process.off('SIGTERM', this.#onSignal);
  }
}
