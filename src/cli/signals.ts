import type { Logger } from 'pino';
import { Exit } from '../errors.ts';
import type { Outcome } from '../runs/outcome.ts';

/** For how long a second signal waits until the engine has let go. */
const PATIENCE_MS = 1000;

/**
 * The way out by signals. The first Ctrl-C or TERM lets what is in flight come in and journals it; the second leaves at
 * once: what is synced is safe, the next run goes on there.
 */
export class Signals {
  readonly #onSignal: (signal: NodeJS.Signals) => void;
  #received: NodeJS.Signals | undefined;

  /**
   * @param stop begins to drain
   * @param abandon ends queries that still run: `process.exit` waits for every thread that one of them holds
   */
  constructor(stop: () => void, abandon: () => Promise<void>, log: Logger) {
    this.#onSignal = (signal) => {
      if (this.#received !== undefined) {
        leave(signal, abandon);
        return;
      }
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

/** Exits with the signal's code, and dies of the signal's own effect where even that would take long. */
function leave(signal: NodeJS.Signals, abandon: () => Promise<void>): void {
  const timer = setTimeout(() => process.kill(process.pid, 'SIGKILL'), PATIENCE_MS);
  const exit = (): never => {
    clearTimeout(timer);
    process.exit(signal === 'SIGTERM' ? Exit.terminated : Exit.interrupted);
  };
  abandon().then(exit, exit);
}
