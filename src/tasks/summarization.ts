import * as z from 'zod';
import { column, utf8 } from './arrow-types.ts';
import { lengthParameters, samplingParameters, seq2seqParameters } from './generation.ts';
import type { Inputs, Parameters, Task } from './task.ts';
import { decodeOneText } from './written-text.ts';

export const summarization: Task = {
  name: 'summarization',
  aliases: [],
  summary: 'Makes a long text short',
  inputs: {
    text: { kind: 'text', required: true, description: 'The text to summarize' },
  },
  parameters: z.strictObject({
    ...lengthParameters,
    ...samplingParameters,
    do_sample: z.boolean().describe('Sample; false always takes the most probable token').optional(),
    ...seq2seqParameters,
  }),
  exampleModel: 'facebook/bart-large-cnn',
  example: { inputs: { text: 'article' }, parameters: { max_length: 60 } },
  columns: () => [column('summary_text', utf8())],
  // Encoder-decoder servers that know nothing of the task call it generated_text.
  decode: decodeOneText('summary_text', ['summary_text', 'generated_text']),
  emulate: emulateSummary,
};

/** As long as bart-large-cnn writes where nothing is said. */
const EMULATED_WORDS = 142;

/** The beginning of the text: whole sentences while they fit, at least the first one, cut to the greatest length. */
function emulateSummary(inputs: Inputs, parameters: Parameters): unknown {
  const most = typeof parameters.max_length === 'number' ? parameters.max_length : EMULATED_WORDS;
  const text = String(inputs.text).trim().replace(/\s+/g, ' ');
  const sentences = text.match(/.+?(?:[.!?…]["”’)]*(?= |$)|$)/g) ?? [];
  const half = text.split(' ').length / 2;
  const chosen: string[] = [];
  for (const sentence of sentences) {
    const words = sentence.trim().split(' ');
    if (chosen.length > 0 && (chosen.length + words.length > most || chosen.length >= half)) break;
    chosen.push(...words);
  }
  return [{ summary_text: chosen.slice(0, most).join(' ') }];
}
