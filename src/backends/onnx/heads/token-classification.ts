import type { JsonObject } from '../../../tasks/shapes.ts';
import { labelsOf } from '../architecture.ts';
import type { Head, Sequence } from '../head.ts';
import type { Tokenizer } from '../tokenizer.ts';
import {
  type Entity,
  type Strategy,
  type Token,
  grouped,
  overlapsResolved,
  tokensAsEntities,
  wordsOf,
} from './entities.ts';
import { softmax } from './scores.ts';

/**
 * Entities with their places in code points of the original text, under all aggregation strategies of transformers.
 * Tokens outside of any entity take part in the grouping: two entities with a gap between them stay two.
 */
export function tokenClassification(
  name: string,
  config: JsonObject,
  tokenizer: Tokenizer,
): Head<Float32Array> {
  let labels: string[] | undefined;
  return {
    outputs: { logits: 'tokens' },
    texts: ({ inputs }) => [{ text: inputs.text as string }],
    truncation: ({ parameters }) => ({
      maxLength: tokenizer.maxLength,
      strategy: 'LongestFirst',
      ...(parameters.stride === undefined ? undefined : { stride: parameters.stride as number }),
    }),
    take: ({ logits }, position, { ids }) => {
      const { data, dims } = logits!;
      const [, length, size] = dims as [number, number, number];
      return data.slice(position * length * size, (position * length + ids.length) * size);
    },
    answer: async ({ inputs, parameters }, taken, sequences) => {
      const text = [...(inputs.text as string)];
      const strategy = (parameters.aggregation_strategy as Strategy | undefined) ?? 'simple';
      const ignored = (parameters.ignore_labels as string[] | undefined) ?? ['O'];
      const entities: Entity[] = [];
      for (const [i, sequence] of sequences.entries()) {
        const size = taken[i]!.length / Math.max(1, sequence.ids.length);
        labels ??= labelsOf(name, config, size);
        const tokens = tokensOf(sequence, taken[i]!, size, text, tokenizer);
        const decode = (ids: number[]) => tokenizer.decode(ids, false);
        if (strategy === 'none') entities.push(...tokensAsEntities(tokens, labels));
        else entities.push(...(await grouped(wordsOf(tokens, labels, strategy), decode)));
      }
      // Before overlaps are resolved: a stretch of nothing in one window must not win over an entity in the next.
      const wanted = entities.filter(({ entity_group }) => !ignored.includes(entity_group));
      return sequences.length > 1 ? overlapsResolved(wanted) : wanted;
    },
  };
}

function tokensOf(
  { ids, encoding }: Sequence,
  logits: Float32Array,
  size: number,
  text: readonly string[],
  tokenizer: Tokenizer,
): Token[] {
  const special = encoding.getSpecialTokensMask();
  const offsets = encoding.getOffsets();
  const tokens: Token[] = [];
  for (const [i, id] of ids.entries()) {
    if (special[i] === 1) continue;
    const [start, end] = offsets[i]!;
    const word = tokenizer.tokenOf(id);
    const unknown = id === tokenizer.unknownId;
    // As transformers tells it: by the mark, or where tokens carry none, by the lack of a space before it.
    const inside = tokenizer.marksSubwords
      ? [...word].length !== end - start
      : start > 0 && text[start - 1] !== ' ' && text[start] !== ' ';
    tokens.push({
      id,
      word: unknown ? text.slice(start, end).join('') : word,
      scores: softmax(logits.subarray(i * size, (i + 1) * size)),
      start,
      end,
      insideWord: inside && !unknown,
    });
  }
  return tokens;
}
