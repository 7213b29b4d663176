import { expect, test } from 'vitest';
import { conversational as task } from '../../src/tasks/conversational.ts';

test('conversational emulates a turn, and the conversation with it', () => {
  const first = task.decode(task.emulate({ text: 'Hi' }, {}), {});
  expect(first).toEqual({
    generated_text: expect.stringMatching(/^\p{L}+( \p{L}+){11}\.$/u),
    conversation: { past_user_inputs: ['Hi'], generated_responses: [first.generated_text] },
  });
  const inputs = { text: 'And?', past_user_inputs: ['Hi'], generated_responses: ['Hello.'] };
  const later = task.decode(task.emulate(inputs, { max_length: 3 }), {});
  expect(later).toEqual({
    generated_text: expect.stringMatching(/^\p{L}+( \p{L}+){2}\.$/u),
    conversation: {
      past_user_inputs: ['Hi', 'And?'],
      generated_responses: ['Hello.', later.generated_text],
    },
  });
});

test('the history is optional, the last input is not', () => {
  expect(Object.entries(task.inputs).filter(([, { required }]) => required)).toHaveLength(1);
  expect(task.inputs.text?.required).toBe(true);
});
