import { type Parameters, Unanswerable } from '../../../tasks/task.ts';
import { type Head, rowOf, type Shape } from '../head.ts';
import type { Truncation } from '../encoding.ts';
import { normalized, type Pooling, pooled, type SentenceModel } from './pooling.ts';

/** Outputs that hold a vector for each token, and one for the whole text, by the names that exporters give them. */
const tokenOutputs = ['last_hidden_state', 'token_embeddings', 'hidden_states'] as const;
const sentenceOutput = 'sentence_embedding';

/**
 * The vector of a text. Pooled as the job says, else by the graph itself where it has `sentence_embedding`, else as
 * sentence-transformers has it for this model, else as the mean of the tokens.
 * @param outputs the outputs that the graph has
 */
export function featureExtraction(
  outputs: readonly string[],
  model: SentenceModel,
  maxLength: number,
): Head<Float32Array | Float32Array[]> {
  const tokens = tokenOutputs.find((name) => outputs.includes(name));
  const hasSentence = outputs.includes(sentenceOutput);
  const needed: Record<string, Shape> = {
    // One that is not there: what it gives in place of it is said.
    ...(tokens !== undefined || !hasSentence ? { [tokens ?? tokenOutputs[0]]: 'tokens' } : undefined),
    ...(hasSentence ? { [sentenceOutput]: 'text' } : undefined),
  };
  return {
    outputs: needed,
    texts: ({ inputs, parameters }) => [
      { text: promptOf(model, parameters.prompt_name) + (inputs.text as string) },
    ],
    truncation: ({ parameters }) => truncationOf(parameters, maxLength),
    take: (results, position, { ids }, { parameters }) => {
      const asked = parameters.pooling as Pooling | undefined;
      if (hasSentence && (asked === undefined || tokens === undefined))
        return rowOf(results[sentenceOutput]!, position);
      const output = results[tokens!]!;
      if (asked !== 'none') return pooled(output, position, ids.length, asked ?? model.pooling ?? 'mean');
      const size = output.dims[2]!;
      const all = rowOf(output, position);
      return ids.map((_, i) => all.subarray(i * size, (i + 1) * size).slice());
    },
    answer: ({ parameters }, [taken]) => finished(taken!, parameters, model.normalize),
  };
}

function promptOf(model: SentenceModel, name: unknown): string {
  const wanted = (name as string | undefined) ?? model.defaultPrompt;
  if (wanted === undefined) return '';
  const prompt = model.prompts[wanted];
  if (prompt !== undefined) return prompt;
  const known = Object.keys(model.prompts);
  throw new Unanswerable(
    `the model has no prompt "${wanted}"${known.length === 0 ? '' : `, only ${known.join(', ')}`}`,
  );
}

function truncationOf(parameters: Parameters, maxLength: number): Truncation | undefined {
  if (parameters.truncate === false) return undefined;
  return {
    maxLength,
    strategy: 'LongestFirst',
    ...(parameters.truncation_direction === 'left' ? { direction: 'left' } : undefined),
  };
}

function finished(
  taken: Float32Array | Float32Array[],
  parameters: Parameters,
  scaledByModel: boolean,
): Float32Array | Float32Array[] {
  const dimensions = parameters.dimensions as number | undefined;
  const normalize = (parameters.normalize as boolean | undefined) ?? scaledByModel;
  const finish = (vector: Float32Array): Float32Array => {
    const cut = dimensions === undefined ? vector : vector.slice(0, dimensions);
    if (dimensions !== undefined && cut.length < dimensions)
      throw new Unanswerable(`dimensions is ${dimensions}, the model's vectors have ${vector.length}`);
    return normalize ? normalized(cut) : cut;
  };
  return Array.isArray(taken) ? taken.map(finish) : finish(taken);
}
