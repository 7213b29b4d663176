import * as z from 'zod';

/** Parameters that the tasks which write text have in common, with the ranges and defaults of the API's documentation. */

export const samplingParameters = {
  top_k: z.int().min(1).describe('Choose each token among the so many most probable ones').optional(),
  top_p: z
    .number()
    .min(0)
    .max(1)
    .describe('Choose each token among the most probable ones whose probabilities add up to this')
    .optional(),
  temperature: z
    .number()
    .min(0)
    .max(100)
    .describe('0 takes the most probable token, 1 samples as the model says, 100 is nearly uniform')
    .meta({ default: 1 })
    .optional(),
  repetition_penalty: z
    .number()
    .min(0)
    .max(100)
    .describe('The more a token was used, the less it is chosen again')
    .optional(),
  max_time: z
    .number()
    .min(0)
    .max(120)
    .describe('Seconds that the answer should take at most; a soft limit')
    .optional(),
};

export const lengthParameters = {
  min_length: z.int().min(0).describe('Least length of the answer, in tokens').optional(),
  max_length: z.int().min(1).describe('Greatest length of the answer, in tokens').optional(),
};

/** Of encoder-decoder pipelines, beside the documented ones: huggingface.js and huggingface_hub send them. */
export const seq2seqParameters = {
  clean_up_tokenization_spaces: z
    .boolean()
    .describe('Remove the spaces that tokenization puts before punctuation')
    .optional(),
  truncation: z
    .enum(['do_not_truncate', 'longest_first', 'only_first', 'only_second'])
    .describe('How a text that is too long for the model is cut')
    .optional(),
  generate_parameters: z
    .record(z.string(), z.unknown())
    .describe('Further parameters of the model’s own generate()')
    .optional(),
};

/** Of text-generation, which text2text-generation shares. */
export const continuationParameters = {
  ...samplingParameters,
  max_new_tokens: z
    .int()
    .min(0)
    .max(250)
    .describe('Greatest number of tokens to write; a dedicated endpoint may take more, through `extra`')
    .optional(),
  return_full_text: z
    .boolean()
    .describe('Begin the answer with the prompt')
    .meta({ default: true })
    .optional(),
  num_return_sequences: z
    .int()
    .min(1)
    .describe('How many texts to write; above 1 there is a column `generated_texts` with all of them')
    .meta({ default: 1 })
    .optional(),
  do_sample: z
    .boolean()
    .describe('Sample; false always takes the most probable token')
    .meta({ default: true })
    .optional(),
};
