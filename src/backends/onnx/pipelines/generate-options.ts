import { hash } from 'node:crypto';
import { type Parameters, Unanswerable } from '../../../tasks/task.ts';
import { unusableValues } from '../parameters.ts';
import type { Transformers } from './open.ts';

/** Parameters of a task that are none of `generate`. */
const notForGenerate = [
  'return_full_text',
  'truncation',
  'clean_up_tokenization_spaces',
  'generate_parameters',
  'src_lang',
  'tgt_lang',
  'seed',
  'num_return_sequences',
  'top_p',
];

/** Tokens that sampling chooses from where nothing is said (transformers' GenerationConfig). */
const usualTopK = 50;

/**
 * The options of `generate`: what the API calls so. It samples where a parameter of sampling is given, or several texts
 * are wanted, and otherwise takes the most probable token.
 * @throws {Unanswerable}
 */
export function generateOptions(library: Transformers, parameters: Parameters): Record<string, unknown> {
  const why = unusableValues(parameters);
  if (why !== undefined) throw new Unanswerable(why);
  const given = { ...(parameters.generate_parameters as Parameters | undefined), ...parameters };
  const options: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(given))
    if (!notForGenerate.includes(name) && value !== undefined) options[name] = value;
  const { temperature, top_k, top_p } = given;
  const samples = [temperature, top_k, top_p].some((value) => value !== undefined) || textsOf(parameters) > 1;
  options.do_sample = temperature !== 0 && (given.do_sample ?? samples);
  if (temperature === 0) delete options.temperature;
  if (options.do_sample === true && typeof top_p === 'number' && top_p < 1) {
    const processors = new library.LogitsProcessorList();
    processors.push(new (nucleus(library))((top_k as number | undefined) ?? usualTopK, top_p));
    options.logits_processor = processors;
  }
  return options;
}

/** How many texts are wanted. */
export function textsOf({ num_return_sequences: count }: Parameters): number {
  return typeof count === 'number' ? count : 1;
}

/**
 * Sampling begins at a number that the question decides: a row that is asked again gets the same answer, and so do rows
 * that ask the same.
 * @param asked the row's inputs; bytes by their hash
 */
export function seed({ random }: Transformers, asked: unknown, parameters: Parameters): void {
  const given = parameters.seed ?? (parameters.generate_parameters as Parameters | undefined)?.seed;
  const text = JSON.stringify([asked, parameters], sorted);
  random.seed(typeof given === 'number' ? given : Number.parseInt(hash('sha256', text).slice(0, 8), 16));
}

/** The order of fields in a job file is no part of the question. */
function sorted(_: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** `top_p`, which transformers.js takes and does not heed. */
function nucleus({ LogitsProcessor }: Transformers) {
  return class extends LogitsProcessor {
    readonly #topK: number;
    readonly #topP: number;

    constructor(topK: number, topP: number) {
      super();
      this.#topK = topK;
      this.#topP = topP;
    }

    override _call(_: bigint[][], logits: InstanceType<Transformers['Tensor']>) {
      const size = logits.dims.at(-1)!;
      const data = logits.data as Float32Array;
      for (let start = 0; start < data.length; start += size)
        keepNucleus(data.subarray(start, start + size), this.#topK, this.#topP);
      return logits;
    }
  };
}

/**
 * Of the `topK` most probable tokens, only the most probable ones whose probabilities add up to `topP` stay possible: at
 * least one (Holtzman et al. 2020, as transformers' TopPLogitsWarper after its TopKLogitsWarper).
 */
export function keepNucleus(logits: Float32Array, topK: number, topP: number): void {
  const order = Array.from(logits.keys()).sort((a, b) => logits[b]! - logits[a]! || a - b);
  const best = order.slice(0, topK);
  const weights = best.map((id) => Math.exp(logits[id]! - logits[best[0]!]!));
  const wanted = topP * weights.reduce((sum, weight) => sum + weight, 0);
  let kept = 1;
  for (let sum = weights[0]!; sum < wanted && kept < best.length; kept++) sum += weights[kept]!;
  for (const id of order.slice(kept)) logits[id] = Number.NEGATIVE_INFINITY;
}
