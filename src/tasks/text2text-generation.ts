import * as z from 'zod';
import { babble } from './babble.ts';
import { continuationParameters, lengthParameters, seq2seqParameters } from './generation.ts';
import type { Inputs, Parameters, Task } from './task.ts';
import { decodeGenerated, generatedColumns } from './written-text.ts';

export const text2textGeneration: Task = {
  name: 'text2text-generation',
  aliases: ['text2text'],
  summary: 'Answers a text with a text, by models that read the whole of it first (encoder-decoder)',
  inputs: {
    text: { kind: 'text', required: true, description: 'The instruction or question' },
  },
  parameters: z.strictObject({ ...lengthParameters, ...continuationParameters, ...seq2seqParameters }),
  exampleModel: 'google/flan-t5-base',
  example: { inputs: { text: 'Is this a complaint? {{ review }}' }, parameters: { max_new_tokens: 20 } },
  columns: generatedColumns,
  decode: decodeGenerated,
  emulate: emulateAnswers,
};

/** Such models answer briefly. */
const EMULATED_TOKENS = 6;

function emulateAnswers(inputs: Inputs, parameters: Parameters): unknown {
  const { max_new_tokens: most, num_return_sequences: count } = parameters;
  const words = typeof most === 'number' ? Math.min(most, EMULATED_TOKENS) : EMULATED_TOKENS;
  return Array.from({ length: typeof count === 'number' ? count : 1 }, (_, i) => ({
    generated_text: babble(String(inputs.text), words, i),
  }));
}
