import { describe, expect, test } from 'vitest';
import { questionAnswering as task } from '../../src/tasks/question-answering.ts';

interface Span {
  answer: string;
  score: number;
  start: number;
  end: number;
}
const answerTo = (question: string, context: string) => task.emulate({ question, context }, {}) as Span;
/** As Python slices it. */
const slice = (text: string, { start, end }: Span) => [...text].slice(start, end).join('');

describe('question-answering emulates', () => {
  test.each([
    ['What is the capital of France?', 'The capital of France is Paris.', 'Paris'],
    ['Who met the whale?', 'Tea was served. Captain Ruth met the whale. It rained.', 'Captain Ruth'],
    ['Where is the tea?', '🫖🫖 It is hot. The tea is downstairs 🪜 now.', 'downstairs'],
  ])('%s', (question, context, answer) => {
    expect(answerTo(question, context).answer).toBe(answer);
  });

  test.each(['', ' ', '?', 'a', '🫖 a\u{20bb7}b. c\u0301d', 'the tea the tea'])(
    'offsets in code points that match the context %j',
    (context) => {
      const found = answerTo('Where is the tea?', context);
      expect(slice(context, found)).toBe(found.answer);
      expect(task.decode(found, {})).toEqual(found);
    },
  );
});

test('the first of equally good answers counts', () => {
  const first = { answer: 'a', score: 0.5, start: 0, end: 1 };
  expect(task.decode([first, { ...first, answer: 'b' }], {})).toEqual(first);
});
