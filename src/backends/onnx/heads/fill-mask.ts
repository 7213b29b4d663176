import { type Parameters, Unanswerable } from '../../../tasks/task.ts';
import type { Head, Sequence } from '../head.ts';
import type { Tokenizer } from '../tokenizer.ts';
import { softmax } from './scores.ts';

/** As the API answers it. */
interface Filling {
  sequence: string;
  score: number;
  token: number;
  token_str: string;
}

const usualTop = 5;

/** The tokens that fit best in each mask of a text; a list for each mask where there are several. */
export function fillMask(tokenizer: Tokenizer): Head<Float64Array[]> {
  const { maskToken: mask, maxLength } = tokenizer;
  const maskId = tokenizer.idOf(mask);
  const masksOf = ({ ids }: Sequence) => ids.flatMap((id, at) => (id === maskId ? [at] : []));
  return {
    outputs: { logits: 'tokens' },
    texts: ({ inputs }) => {
      const text = inputs.text as string;
      if (!text.includes(mask)) throw new Unanswerable(`the text has no mask; this model writes it ${mask}`);
      return [{ text }];
    },
    truncation: () => ({ maxLength, strategy: 'LongestFirst' }),
    take: ({ logits }, position, sequence) => {
      const { data, dims } = logits!;
      const [, length, size] = dims as [number, number, number];
      return masksOf(sequence).map((at) => {
        const start = (position * length + at) * size;
        return softmax(data.subarray(start, start + size));
      });
    },
    answer: async ({ parameters }, [taken], [sequence]) => {
      const masks = masksOf(sequence!);
      if (masks.length === 0) throw new Unanswerable('the mask is behind the end of what the model takes');
      const lists: Filling[][] = [];
      for (const [i, at] of masks.entries()) {
        const best = bestOf(taken![i]!, parameters, tokenizer);
        lists.push(
          await Promise.all(
            best.map((token) => filling(token, at, taken![i]!, sequence!, masks.length, tokenizer)),
          ),
        );
      }
      return lists.length === 1 ? lists[0] : lists;
    },
  };
}

async function filling(
  token: number,
  at: number,
  scores: Float64Array,
  { ids }: Sequence,
  masks: number,
  tokenizer: Tokenizer,
): Promise<Filling> {
  const filled = [...ids];
  filled[at] = token;
  return {
    // With several masks the others stay visible, and with them the special tokens; as transformers does it.
    sequence: await tokenizer.decode(filled, masks === 1),
    score: scores[token]!,
    token,
    token_str: await tokenizer.decode([token], false),
  };
}

/** Tokens by score, best first; among `targets` where the job names them. */
function bestOf(scores: Float64Array, parameters: Parameters, tokenizer: Tokenizer): number[] {
  const top = (parameters.top_k as number | undefined) ?? usualTop;
  const targets = parameters.targets as string[] | undefined;
  const among =
    targets === undefined
      ? undefined
      : [...new Set(targets.map((target) => targetId(target, tokenizer)))].sort(
          (a, b) => scores[b]! - scores[a]!,
        );
  if (among !== undefined) return among.slice(0, top);
  const best: number[] = [];
  for (let id = 0; id < scores.length; id++) {
    if (best.length === top && scores[id]! <= scores[best[top - 1]!]!) continue;
    let place = best.length;
    while (place > 0 && scores[best[place - 1]!]! < scores[id]!) place--;
    best.splice(place, 0, id);
    if (best.length > top) best.pop();
  }
  return best;
}

function targetId(target: string, tokenizer: Tokenizer): number {
  // Byte-level and sentence-piece vocabularies mark the beginning of a word.
  const id = tokenizer.idOf(target) ?? tokenizer.idOf(`Ġ${target}`) ?? tokenizer.idOf(`▁${target}`);
  if (id !== undefined) return id;
  throw new Unanswerable(`targets: "${target}" is not in the model's vocabulary`);
}
