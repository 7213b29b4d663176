import { type Backend, type CallOptions, type Question, RowRefused } from '../backends/backend.ts';
import { ItemFailure } from '../scheduler/item-failure.ts';
import type { AttemptOutcome } from '../scheduler/types.ts';
import { DecodeError, excerptOf, type ResultRow, type Task } from '../tasks/task.ts';
import { DimensionError, type ResultShape } from './result-shape.ts';

/**
 * One attempt, from questions to result rows: the backend answers, the task decodes. An answer is only called a
 * success when its columns could be made of it; a row whose answer has an unknown shape fails alone.
 */
export async function ask(
  backend: Backend,
  task: Task,
  shape: ResultShape,
  questions: readonly Question[],
  options: CallOptions,
): Promise<AttemptOutcome<ResultRow>> {
  const outcome = await backend.call(questions, options);
  if (!outcome.ok) return outcome;
  const { answers, status, requestId } = outcome;
  const results = answers.map((answer, i): ResultRow | ItemFailure => {
    if (answer instanceof RowRefused) return new ItemFailure('call', answer);
    try {
      const row = task.decode(answer, questions[i]!.parameters);
      shape.learn(row);
      return row;
    } catch (error) {
      if (!(error instanceof DecodeError) && !(error instanceof DimensionError)) throw error;
      const kind = error instanceof DecodeError ? 'unknown_answer' : 'wrong_dimension';
      const excerpt = excerptOf(answer, 400);
      return new ItemFailure('decode', { kind, message: error.message, status, excerpt, requestId });
    }
  });
  return { ok: true, results, status };
}
