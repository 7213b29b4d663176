import { Unanswerable } from '../../tasks/task.ts';
import type { Question } from '../backend.ts';
import type { Answered, Prepared, Runner } from './runner.ts';

/** Answers one question. @throws {Unanswerable} for a row that the model cannot take */
export type AnswerRow = (question: Question) => Promise<unknown>;

/**
 * A model that takes its rows one at a time: images and sounds of all sizes, and texts that are generated. Each row is a
 * run of its own, so that no answer depends on another row.
 */
export class RowRunner implements Runner {
  readonly #answer: AnswerRow;

  constructor(answer: AnswerRow) {
    this.#answer = answer;
  }

  async prepare(questions: readonly Question[], plan?: number[][]): Promise<Prepared> {
    return {
      plan: plan ?? questions.map((_, row) => [row]),
      refused: [],
      run: (rows) => this.#run(rows, questions),
    };
  }

  async #run(rows: readonly number[], questions: readonly Question[]): Promise<Answered> {
    const answered: Answered = { answers: [], refused: [] };
    for (const row of rows) {
      try {
        answered.answers.push(await this.#answer(questions[row]!));
      } catch (error) {
        if (!(error instanceof Unanswerable)) throw error;
        answered.answers.push(undefined);
        answered.refused.push([row, error.message]);
      }
    }
    return answered;
  }
}
