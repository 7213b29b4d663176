import type { Question } from '../../../src/backends/backend.ts';
import { weightsOf } from '../../../src/backends/onnx/model.ts';
import type { Runner } from '../../../src/backends/onnx/runner.ts';
import { openRunner } from '../../../src/backends/onnx/runners.ts';
import type { Parameters } from '../../../src/tasks/task.ts';

/** Opens a model in this process, as a worker would in its own. */
export function runnerOf(folder: string, task: string, graphs: string[] = ['model']): Promise<Runner> {
  return openRunner({
    name: folder,
    model: weightsOf(folder, graphs, 'auto'),
    task,
    threads: 1,
    device: 'cpu',
  });
}

/** All answers of one window, in order; a row that is refused has the reason as an Error. */
export async function answersOf(runner: Runner, questions: readonly Question[]): Promise<unknown[]> {
  const { plan, refused, run } = await runner.prepare(questions);
  const answers: unknown[] = new Array(questions.length);
  for (const [row, why] of refused) answers[row] = new Error(why);
  for (const rows of plan) {
    const answered = await run(rows);
    for (const [i, row] of rows.entries()) answers[row] = answered.answers[i];
    for (const [row, why] of answered.refused) answers[row] = new Error(why);
  }
  return answers;
}

export function texts(list: readonly string[], parameters: Parameters = {}): Question[] {
  return list.map((text) => ({ inputs: { text }, parameters }));
}
