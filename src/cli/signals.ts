import type { Logger } from 'pino';
import { Exit, type ExitCode } from '../errors.ts';
import type { Outcome } from '../runs/outcome.ts';
import { isUnderNohup } from './nohup.ts';

/** For how long a second signal waits until the engine has let go. */
const PATIENCE_MS = 1000;

/** For how long TERM lets requests come in: `docker stop` and CI kill what is still there after 10 s. */
const TERM_DEADLINE_MS = 8000;

/**
 * HUP comes when the terminal is closed; nobody is left who could send a second signal, so it has TERM's deadline. Under
 * nohup it is nothing.
 */
const SIGNALS: readonly NodeJS.Signals[] = isUnderNohup(process.env)
  ? ['SIGINT', 'SIGTERM']
  : ['SIGINT', 'SIGTERM', 'SIGHUP'];

/** What a signal can do to a run. */
export interface Interruptible {
  /** Nothing new goes out; what is in flight comes in and is journaled. */
  stop(): void;
  /** What is in flight is given up; its rows stay pending. */
  cancel(): void;
  /** Ends queries that still run: `process.exit` waits for every thread that one of them holds. */
  abandon(): Promise<void>;
}

/**
 * The way out by signals. The first Ctrl-C, TERM or HUP lets what is in flight come in and journals it, the latter two up
 * to a deadline; the second leaves at once: what is synced is safe, the next run goes on there.
 */
export class Signals {
  readonly #onSignal: (signal: NodeJS.Signals) => void;
  #received: NodeJS.Signals | undefined;
  #deadline: NodeJS.Timeout | undefined;

  constructor(run: Interruptible, log: Logger) {
    this.#onSignal = (signal) => {
      if (this.#received !== undefined) {
        log.warn(
          { event: 'left', signal },
          `${signal} again: left at once; what was answered before is journaled, the next run goes on there`,
        );
        leave(signal, () => run.abandon());
        return;
      }
      this.#received = signal;
      const limit = signal !== 'SIGINT' ? ` for at most ${TERM_DEADLINE_MS / 1000} s` : '';
      log.warn(
        { event: 'interrupted', signal },
        `${signal}: waiting for what is in flight${limit}; once more leaves at once`,
      );
      run.stop();
      if (signal !== 'SIGINT') this.#deadline = setTimeout(() => run.cancel(), TERM_DEADLINE_MS);
    };
    for (const signal of SIGNALS) process.on(signal, this.#onSignal);
  }

  /** A run that ended because it was interrupted exits with the signal's code; one that was done anyway does not. */
  apply(outcome: Outcome): Outcome {
    if (this.#received === undefined || outcome.exit !== Exit.interrupted) return outcome;
    return { ...outcome, exit: exitOf(this.#received) };
  }

  dispose(): void {
    clearTimeout(this.#deadline);
    for (const signal of SIGNALS) process.off(signal, this.#onSignal);
  }
}

function exitOf(signal: NodeJS.Signals): ExitCode {
  return signal === 'SIGINT' ? Exit.interrupted : Exit.terminated;
}

/** Exits with the signal's code, and dies of the signal's own effect where even that would take long. */
function leave(signal: NodeJS.Signals, abandon: () => Promise<void>): void {
  const timer = setTimeout(() => process.kill(process.pid, 'SIGKILL'), PATIENCE_MS);
  const exit = (): never => {
    clearTimeout(timer);
    process.exit(exitOf(signal));
  };
  abandon().then(exit, exit);
}
