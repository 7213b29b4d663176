/** The aggregation strategies of transformers' token classification. */
export type Strategy = 'none' | 'simple' | 'first' | 'average' | 'max';

/** One token of a text with its scores for all labels. Places are code points. */
export interface Token {
  id: number;
  word: string;
  scores: Float64Array;
  start: number;
  end: number;
  /** It goes on a word that an earlier token began. */
  insideWord: boolean;
}

/** A token or a word with its label. */
export interface Labelled {
  label: string;
  score: number;
  ids: number[];
  start: number;
  end: number;
}

/** As the API answers it. */
export interface Entity {
  entity_group: string;
  score: number;
  word: string;
  start: number;
  end: number;
}

type Decode = (ids: number[]) => Promise<string>;

/** `none`: each token by itself, under its label as it is. */
export function tokensAsEntities(tokens: readonly Token[], labels: readonly string[]): Entity[] {
  return tokens.map(({ word, scores, start, end }) => {
    const best = argmax(scores);
    return { entity_group: labels[best]!, score: scores[best]!, word, start, end };
  });
}

/** Tokens with their labels; under `first`, `average` and `max` the tokens of a word are one and agree on a label. */
export function wordsOf(
  tokens: readonly Token[],
  labels: readonly string[],
  strategy: Exclude<Strategy, 'none'>,
): Labelled[] {
  const groups: Token[][] = [];
  for (const token of tokens) {
    if (strategy !== 'simple' && token.insideWord && groups.length > 0) groups.at(-1)!.push(token);
    else groups.push([token]);
  }
  return groups.map((group) => {
    const scores = agreed(group, strategy);
    const best = argmax(scores);
    return {
      label: labels[best]!,
      score: scores[best]!,
      ids: group.map(({ id }) => id),
      start: group[0]!.start,
      end: group.at(-1)!.end,
    };
  });
}

function agreed(word: readonly Token[], strategy: Exclude<Strategy, 'none'>): Float64Array {
  const [first] = word as [Token];
  if (word.length === 1 || strategy === 'first' || strategy === 'simple') return first.scores;
  if (strategy === 'max') return word.map(({ scores }) => scores).reduce(surer);
  return first.scores.map((_, i) => word.reduce((sum, { scores }) => sum + scores[i]!, 0) / word.length);
}

function surer(one: Float64Array, other: Float64Array): Float64Array {
  return other[argmax(other)]! > one[argmax(one)]! ? other : one;
}

/** Neighbours of one kind as one entity, unless the later one begins a new one (`B-`). */
export async function grouped(words: readonly Labelled[], decode: Decode): Promise<Entity[]> {
  const groups: Labelled[][] = [];
  for (const word of words) {
    const last = groups.at(-1)?.at(-1);
    if (last !== undefined && kindOf(last.label) === kindOf(word.label) && !word.label.startsWith('B-'))
      groups.at(-1)!.push(word);
    else groups.push([word]);
  }
  return Promise.all(
    groups.map(async (group) => ({
      entity_group: kindOf(group[0]!.label),
      score: group.reduce((sum, { score }) => sum + score, 0) / group.length,
      word: await decode(group.flatMap(({ ids }) => ids)),
      start: group[0]!.start,
      end: group.at(-1)!.end,
    })),
  );
}

/** Pieces of a long text overlap: of entities that do, the longest counts, and of equally long ones the surest. */
export function overlapsResolved(entities: readonly Entity[]): Entity[] {
  const kept: Entity[] = [];
  for (const entity of [...entities].sort((a, b) => a.start - b.start)) {
    const previous = kept.at(-1);
    if (previous === undefined || entity.start >= previous.end) kept.push(entity);
    else {
      const longer = entity.end - entity.start - (previous.end - previous.start);
      if (longer > 0 || (longer === 0 && entity.score > previous.score)) kept[kept.length - 1] = entity;
    }
  }
  return kept;
}

/** The label without its place: `B-PER` and `I-PER` are PER. */
function kindOf(label: string): string {
  return /^[BI]-/.test(label) ? label.slice(2) : label;
}

function argmax(scores: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < scores.length; i++) if (scores[i]! > scores[best]!) best = i;
  return best;
}
