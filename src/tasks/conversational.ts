import * as z from 'zod';
import { column, listOf, structOf, utf8 } from './arrow-types.ts';
import { babble } from './babble.ts';
import { lengthParameters, samplingParameters } from './generation.ts';
import { isObject, itemsOf } from './shapes.ts';
import { DecodeError } from './task.ts';
import type { Inputs, Parameters, ResultRow, Task } from './task.ts';
import { writtenTexts } from './written-text.ts';

const HISTORY = ['past_user_inputs', 'generated_responses'] as const;

export const conversational: Task = {
  name: 'conversational',
  aliases: [],
  summary: 'Answers the last turn of a conversation',
  inputs: {
    text: { kind: 'text', required: true, description: 'The last input from the user' },
    past_user_inputs: { kind: 'texts', required: false, description: 'Earlier inputs from the user' },
    generated_responses: {
      kind: 'texts',
      required: false,
      description: 'Earlier answers of the model, as many as past_user_inputs',
    },
  },
  parameters: z.strictObject({ ...lengthParameters, ...samplingParameters }),
  exampleModel: 'microsoft/DialoGPT-large',
  example: { inputs: { text: 'message' } },
  columns: () => [
    column('generated_text', utf8()),
    column('conversation', structOf(Object.fromEntries(HISTORY.map((name) => [name, listOf(utf8())])))),
  ],
  decode: decodeReply,
  emulate: emulateReply,
};

/**
 * Known shapes: `{generated_text, conversation: {past_user_inputs, generated_responses}}`, also as a list of one, and
 * the bare texts of servers that keep no conversation (chat completions): `conversation` is then null.
 */
function decodeReply(answer: unknown): ResultRow {
  const [generated_text] = writtenTexts(answer, ['generated_text']);
  const [item] = itemsOf(answer) ?? [];
  const conversation = isObject(item) ? item.conversation : undefined;
  if (conversation === undefined || conversation === null) return { generated_text, conversation: null };
  if (!isObject(conversation)) throw new DecodeError('a conversation {past_user_inputs, …}', answer);
  const turns = HISTORY.map((name) => {
    const texts = conversation[name];
    if (!Array.isArray(texts) || !texts.every((text) => typeof text === 'string'))
      throw new DecodeError(`${name} that are texts`, answer);
    return [name, texts];
  });
  return { generated_text, conversation: Object.fromEntries(turns) };
}

const EMULATED_WORDS = 12;

function emulateReply(inputs: Inputs, { max_length: most }: Parameters): unknown {
  const [past, said] = HISTORY.map((name) => (inputs[name] ?? []) as string[]);
  const text = String(inputs.text);
  const words = typeof most === 'number' ? Math.min(most, EMULATED_WORDS) : EMULATED_WORDS;
  const reply = `${babble([...past!, text].join('\n'), words)}.`;
  return {
    generated_text: reply,
    conversation: { past_user_inputs: [...past!, text], generated_responses: [...said!, reply] },
  };
}
