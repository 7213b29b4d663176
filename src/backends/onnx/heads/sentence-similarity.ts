import { Unanswerable } from '../../../tasks/task.ts';
import type { Head } from '../head.ts';
import { featureExtraction } from './feature-extraction.ts';
import { normalized, type SentenceModel } from './pooling.ts';

/** Cosines between the embedding of a sentence and those of others. */
export function sentenceSimilarity(
  outputs: readonly string[],
  model: SentenceModel,
  maxLength: number,
): Head<Float32Array> {
  const embedding = featureExtraction(outputs, model, maxLength);
  return {
    outputs: embedding.outputs,
    texts: ({ inputs }) => {
      const sentences = inputs.sentences as string[];
      if (sentences.length === 0) throw new Unanswerable('sentences: the list is empty');
      return [inputs.source_sentence as string, ...sentences].map((text) => ({ text }));
    },
    truncation: () => ({ maxLength, strategy: 'LongestFirst' }),
    take: (results, position, sequence, question) =>
      normalized(embedding.take(results, position, sequence, question) as Float32Array),
    answer: (_, [source, ...others]) =>
      others.map((other) => source!.reduce((sum, x, i) => sum + x * other[i]!, 0)),
  };
}
