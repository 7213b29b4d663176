import fc from 'fast-check';
import { expect, test } from 'vitest';
import { tasks } from '../../src/tasks/index.ts';
import { DecodeError } from '../../src/tasks/task.ts';

/** Columns that a good answer may leave null. */
const OPTIONAL = new Set(['chunks', 'conversation']);

const named = tasks.map((task) => [task.name, task] as const);

/** Pieces that real answers are made of, in the wrong places as often as in the right ones. */
const answers = fc.letrec((tie) => ({
  answer: fc.oneof(
    { maxDepth: 5 },
    fc.constantFrom(null, '', 'POSITIVE', '0.5', 'iVBORw0KGgo=', true, 0.5, -1, 1e39, 2 ** 31, 0),
    fc.array(tie('answer'), { maxLength: 3 }),
    fc.dictionary(
      fc.constantFrom(
        'label',
        'score',
        'labels',
        'mask',
        'text',
        'chunks',
        'timestamp',
        'sequence',
        'token',
        'token_str',
        'summary_text',
        'translation_text',
        'generated_text',
        'choices',
        'message',
        'content',
        'conversation',
        'past_user_inputs',
        'generated_responses',
        'answer',
        'start',
        'end',
        'coordinates',
        'cells',
        'aggregator',
        'entity',
        'word',
        'scores',
        'box',
        'xmin',
        'ymin',
        'xmax',
        'ymax',
        'error',
        '__proto__',
      ),
      tie('answer'),
    ),
  ),
})).answer;

test.each(named)('%s turns any JSON into its columns or into a DecodeError', (_, task) => {
  fc.assert(
    fc.property(
      fc.oneof(answers, fc.jsonValue()),
      fc.constantFrom({}, { pooling: 'none' }, { num_return_sequences: 2 }),
      (answer, parameters) => {
        try {
          const row = task.decode(answer, parameters);
          expect(Object.keys(row)).toEqual(task.columns(parameters).map(({ name }) => name));
          for (const [name, value] of Object.entries(row)) {
            if (!OPTIONAL.has(name)) expect(value ?? null).not.toBeNull();
          }
        } catch (error) {
          expect(error).toBeInstanceOf(DecodeError);
        }
      },
    ),
    { numRuns: 2000 },
  );
});

test.each(named)('%s refuses brackets nested beyond the stack', (_, task) => {
  const answer = JSON.parse('['.repeat(100_000) + ']'.repeat(100_000));
  expect(() => task.decode(answer, {})).toThrow(DecodeError);
});
