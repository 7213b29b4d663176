import { Unanswerable } from '../../tasks/task.ts';
import type { Question } from '../backend.ts';
import type { Answered, Prepared, Runner } from './runner.ts';

/** How the rows of a task are answered, one at a time. */
export interface RowSteps<T> {
  /**
   * Decodes a row, on other threads than the one that the model blocks.
   * @throws {Unanswerable} for a row that cannot be decoded
   */
  read: (question: Question) => Promise<T>;
  /** Whether the row is small enough to be held decoded while another one is answered; default: all are. */
  mayReadAhead?: (question: Question) => Promise<boolean>;
  /** @throws {Unanswerable} for a row that the model cannot take */
  answer: (question: Question, read: T) => Promise<unknown>;
}

/** A row that is being read; undefined when it waits for its turn. */
type Reading<T> = Promise<{ read: T } | undefined>;

/**
 * A model that takes its rows one at a time: images and sounds of all sizes, and texts that are generated. Each row is a
 * run of its own, so that no answer depends on another row. The next row is decoded while the model works on one.
 */
export class RowRunner<T> implements Runner {
  readonly #steps: RowSteps<T>;

  constructor(steps: RowSteps<T>) {
    this.#steps = steps;
  }

  async prepare(questions: readonly Question[], plan?: number[][]): Promise<Prepared> {
    const runs = plan ?? questions.map((_, row) => [row]);
    const order = runs.flat();
    let ahead: Reading<T> | undefined;
    const readAhead = (row: number | undefined): void => {
      ahead = row === undefined ? undefined : this.#readAhead(questions[row]!);
    };
    readAhead(order.shift());
    const next = async (row: number): Promise<T> => {
      const done = await ahead;
      return done === undefined ? this.#steps.read(questions[row]!) : done.read;
    };
    return {
      plan: runs,
      refused: [],
      run: async (rows) => {
        const answered: Answered = { answers: [], refused: [] };
        for (const row of rows) {
          try {
            const read = await next(row).finally(() => readAhead(order.shift()));
            answered.answers.push(await this.#steps.answer(questions[row]!, read));
          } catch (error) {
            if (!(error instanceof Unanswerable)) throw error;
            answered.answers.push(undefined);
            answered.refused.push([row, error.message]);
          }
        }
        return answered;
      },
    };
  }

  #readAhead(question: Question): Reading<T> {
    const { read, mayReadAhead } = this.#steps;
    const reading = (async () => {
      if (mayReadAhead !== undefined && !(await mayReadAhead(question))) return undefined;
      return { read: await read(question) };
    })();
    // What is wrong with the row is thrown when its turn comes.
    reading.catch(() => undefined);
    return reading;
  }
}

/** Rows that need no decoding. @param answer throws {Unanswerable} for a row that the model cannot take */
export function rowByRow(answer: (question: Question) => Promise<unknown>): Runner {
  return new RowRunner({ read: () => Promise.resolve(undefined), answer });
}
