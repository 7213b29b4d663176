import type { JsonObject } from '../../tasks/shapes.ts';
import type { Parameters } from '../../tasks/task.ts';
import { architectureOf } from './architecture.ts';

/** What transformers.js heeds of sampling, and `seed`, which only we have. */
const sampling = ['do_sample', 'repetition_penalty', 'seed', 'temperature', 'top_k', 'top_p'];
/**
 * What it heeds of generating. Searches with beams, contrastive search and the rarer ways to sample are none of it: it
 * takes them and does something else. `max_time` is left out on purpose: a text that the clock cuts would be another one
 * when a run is resumed.
 */
const generating = [
  ...sampling,
  'bad_words_ids',
  'begin_suppress_tokens',
  'forced_bos_token_id',
  'forced_eos_token_id',
  'max_length',
  'max_new_tokens',
  'min_length',
  'min_new_tokens',
  'no_repeat_ngram_size',
  'suppress_tokens',
];
const seq2seq = [...generating, 'clean_up_tokenization_spaces', 'generate_parameters', 'truncation'];

/** The tasks that can run on this machine, each with the parameters that it heeds; others are refused. */
const tasks: Readonly<Record<string, readonly string[]>> = {
  'text-classification': ['function_to_apply', 'top_k'],
  'zero-shot-classification': ['candidate_labels', 'hypothesis_template', 'multi_label'],
  'token-classification': ['aggregation_strategy', 'ignore_labels', 'stride'],
  'question-answering': [
    'align_to_words',
    'doc_stride',
    'handle_impossible_answer',
    'max_answer_len',
    'max_seq_len',
  ],
  'fill-mask': ['targets', 'top_k'],
  // A wire format changes nothing where there is no wire.
  'feature-extraction': [
    'dimensions',
    'encoding_format',
    'normalize',
    'pooling',
    'prompt_name',
    'truncate',
    'truncation_direction',
  ],
  'sentence-similarity': [],
  summarization: seq2seq,
  translation: [...seq2seq, 'src_lang', 'tgt_lang'],
  'text2text-generation': [...seq2seq, 'num_return_sequences'],
  'text-generation': [...generating, 'num_return_sequences', 'return_full_text'],
  conversational: generating,
  'image-classification': ['function_to_apply', 'top_k'],
  'object-detection': ['threshold'],
  'image-segmentation': ['mask_threshold', 'overlap_mask_area_threshold', 'subtask', 'threshold'],
  'audio-classification': ['function_to_apply', 'top_k'],
  'automatic-speech-recognition': ['generation_parameters', 'return_timestamps'],
};

/** Parameters that hold parameters of `generate`, with those that are heeded. */
const nested: Readonly<Record<string, readonly string[]>> = {
  generate_parameters: generating,
  // To keep past attentions costs memory and saves time; it changes no answer.
  generation_parameters: [...generating, 'use_cache'],
};

/** Why no answer can be given with these values; undefined where one can. */
export function unusableValues(parameters: Parameters): string | undefined {
  const { num_return_sequences: count, do_sample: samples, temperature, truncation } = parameters;
  if (typeof count === 'number' && count > 1 && (samples === false || temperature === 0))
    return 'num_return_sequences: without sampling, all texts would be the same; leave out do_sample: false and temperature: 0';
  if (truncation === 'only_second') return 'truncation: only_second is for pairs of texts';
  return undefined;
}

/** Why this model cannot heed these values, though others of its task can; undefined where it can. */
export function unheededByModel(config: JsonObject, parameters: Parameters): string | undefined {
  const architecture = architectureOf(config);
  if (architecture?.endsWith('ForCTC') === true) return unheededByCtc(architecture, parameters);
  const { subtask } = parameters;
  return subtask === undefined ? undefined : otherSegments(architecture, String(subtask));
}

/** A CTC model names a letter for each frame: it generates nothing. */
function unheededByCtc(architecture: string, parameters: Parameters): string | undefined {
  const { return_timestamps: timestamps, generation_parameters: generation } = parameters;
  if (timestamps === true || typeof timestamps === 'string')
    return `return_timestamps: this backend has them for Whisper models only, the model is a ${architecture}`;
  if (Object.keys(generation ?? {}).length > 0)
    return `generation_parameters: the model is a ${architecture}, which generates nothing`;
  return undefined;
}

/** transformers.js makes one kind of segments of a model's outputs; `instance` segments of none. */
function otherSegments(architecture: string | undefined, subtask: string): string | undefined {
  if (architecture === undefined)
    return 'subtask: config.json does not say what the model is, so what it gives is not known';
  const able = architecture.endsWith('SemanticSegmentation') ? 'semantic' : 'panoptic';
  return subtask === able ? undefined : `subtask: a ${architecture} gives ${able} segments on this machine`;
}

/** What the backend of this machine heeds, for the check of job files. */
export const localParameters = { tasks, nested, unusableValues };
