import { messageOf } from '../../errors.ts';
import type { FromWorker, ToWorker } from './protocol.ts';
import type { Answered, Prepared, Runner } from './runner.ts';

/**
 * Milliseconds for which answers are held, to be told together: each message wakes the main process, on a core on which
 * a model is at work. A small model's run takes ten.
 */
const heldMs = 50;
/** Runs that are told one by one at the end of a window, so that the pool gives the next one in time. */
const lastRuns = 4;

/** A window that the pool has given. */
type Given = Extract<ToWorker, { type: 'run' }>;

/**
 * The order of a worker's work: one window after the other, and the next one is tokenised or decoded while the model
 * works on this one. Windows are prepared one at a time, in their order: a tokenizer is told how to cut texts before it
 * takes them, and two windows that did so at once would be cut each other's way.
 */
export class Turns {
  readonly #say: (message: FromWorker) => void;
  /** Whether anybody listens; a window is given up when not. */
  readonly #isHeard: () => boolean;
  readonly #runner: Runner;
  /** Milliseconds from any beginning. */
  readonly #now: () => number;
  #prepared: Promise<unknown> = Promise.resolve();
  #answered: Promise<void> = Promise.resolve();

  constructor(
    runner: Runner,
    say: (message: FromWorker) => void,
    isHeard: () => boolean,
    now: () => number = () => performance.now(),
  ) {
    this.#runner = runner;
    this.#say = say;
    this.#isHeard = isHeard;
    this.#now = now;
  }

  /**
   * Takes a window behind those before it.
   * @throws what preparing it threw, when its turn to be answered has come
   */
  take(given: Given): Promise<void> {
    const prepared = this.#prepared.then(() => this.#runner.prepare(given.questions, given.plan));
    // What cannot be prepared must not end the window before it, which would be blamed: it is thrown at its own turn.
    this.#prepared = prepared.catch(() => undefined);
    const answered = this.#answered.then(async () => this.#answer(given, await prepared));
    this.#answered = answered;
    return answered;
  }

  async #answer({ id, plan }: Given, prepared: Prepared): Promise<void> {
    if (plan === undefined)
      this.#say({ type: 'planned', id, plan: prepared.plan, refused: prepared.refused });
    let held: Answered[] = [];
    let told = this.#now();
    const tell = (): void => {
      if (held.length > 0) this.#say({ type: 'answered', id, runs: held });
      held = [];
      told = this.#now();
    };
    for (const [i, rows] of prepared.plan.entries()) {
      if (!this.#isHeard()) return;
      try {
        held.push(await prepared.run(rows));
      } catch (error) {
        tell();
        this.#say({ type: 'failed', id, message: messageOf(error) });
        return;
      }
      // Of a window that a worker died of, the pool must know at which run the next one does.
      const atOnce = plan !== undefined || prepared.plan.length - i <= lastRuns;
      if (atOnce || this.#now() - told >= heldMs) tell();
    }
  }
}
