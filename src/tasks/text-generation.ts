import * as z from 'zod';
import { babble } from './babble.ts';
import { continuationParameters } from './generation.ts';
import type { Inputs, Parameters, Task } from './task.ts';
import { decodeGenerated, generatedColumns } from './written-text.ts';

export const textGeneration: Task = {
  name: 'text-generation',
  aliases: [],
  summary: 'Goes on with a text',
  inputs: {
    text: { kind: 'text', required: true, description: 'The prompt: the text to go on with' },
  },
  parameters: z.strictObject(continuationParameters),
  exampleModel: 'openai-community/gpt2',
  example: { inputs: { text: 'prompt' }, parameters: { max_new_tokens: 60, return_full_text: false } },
  columns: generatedColumns,
  decode: decodeGenerated,
  emulate: emulateContinuation,
};

/** As many tokens as the API writes where nothing is said. */
const EMULATED_TOKENS = 20;

/** The prompt goes on with words that it decides itself; each further sequence has other words. */
function emulateContinuation(inputs: Inputs, parameters: Parameters): unknown {
  const prompt = String(inputs.text);
  const { max_new_tokens: most, num_return_sequences: count, return_full_text: full } = parameters;
  const words = typeof most === 'number' ? most : EMULATED_TOKENS;
  return Array.from({ length: typeof count === 'number' ? count : 1 }, (_, i) => {
    const written = words === 0 ? '' : ` ${babble(prompt, words, i)}`;
    return { generated_text: full === false ? written : prompt + written };
  });
}
