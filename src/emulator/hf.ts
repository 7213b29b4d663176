import type { Dialect } from './dialect.ts';
import { readPayload } from './payload.ts';
import type { Payload } from './payload.ts';

/** The Inference API, and endpoints that take its bodies at any address. */
export const hf: Dialect = {
  refusal: 400,
  overload: 503,
  estimates: true,
  read: readPayload,
  answer,
  error: (status, words) => ({ error: status === 400 ? [words] : words }),
};

/**
 * A task's answer stands in a list of its own; in a list of answers that one is left out, unless there may be more in it.
 */
function answer({ isBatch, task }: Payload, answers: readonly unknown[]): unknown {
  if (!isBatch) return answers[0];
  if (task.findsSeveral) return answers;
  return answers.map((one) =>
    Array.isArray(one) && one.length === 1 && typeof one[0] === 'object' ? one[0] : one,
  );
}
