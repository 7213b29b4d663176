import { type Parameters, Unanswerable } from '../../../tasks/task.ts';
import { type Head, rowOf, type Sequence } from '../head.ts';
import { softmax } from './scores.ts';

/** transformers' own defaults (QuestionAnsweringPipeline). */
const usual = { sequence: 384, stride: 128, answer: 15 };

interface Span {
  answer: string;
  score: number;
  start: number;
  end: number;
}

interface Logits {
  start: Float32Array;
  end: Float32Array;
}

/**
 * The span of the context that answers a question. A long context is read in pieces that overlap, and the answer is the
 * surest of all pieces, cut from the original text.
 */
export function questionAnswering(maxLength: number): Head<Logits> {
  return {
    outputs: { start_logits: 'places', end_logits: 'places' },
    texts: ({ inputs }) => {
      if ((inputs.context as string).trim() === '') throw new Unanswerable('context: the text is empty');
      return [{ text: inputs.question as string, pair: inputs.context as string }];
    },
    truncation: ({ parameters }) => {
      const longest = Math.min(maxLength, (parameters.max_seq_len as number | undefined) ?? usual.sequence);
      const stride = (parameters.doc_stride as number | undefined) ?? usual.stride;
      return {
        maxLength: longest,
        strategy: 'OnlySecond',
        stride: Math.min(stride, Math.floor(longest / 2)),
      };
    },
    take: ({ start_logits, end_logits }, position) => ({
      start: rowOf(start_logits!, position),
      end: rowOf(end_logits!, position),
    }),
    answer: ({ inputs, parameters }, taken, sequences) => {
      const context = [...(inputs.context as string)];
      const spans = sequences.flatMap((sequence, i) => spansIn(sequence, taken[i]!, context, parameters));
      if (parameters.handle_impossible_answer === true) spans.push(noAnswer(taken, sequences));
      const best = spans.reduce<Span | undefined>(
        (found, span) => (found === undefined || span.score > found.score ? span : found),
        undefined,
      );
      if (best === undefined)
        throw new Unanswerable('context: it has nothing that the model could answer with');
      return best;
    },
  };
}

/**
 * How probable each token of a piece is as the first and last of the answer. Those of the context count, and the first
 * of all, which stands for "no answer".
 */
function probabilities({ ids, encoding }: Sequence, { start, end }: Logits) {
  const inContext = encoding.getSequenceIds().map((sequence) => sequence === 1);
  const over = (logits: Float32Array) =>
    softmax(Float64Array.from(ids, (_, i) => (inContext[i] || i === 0 ? logits[i]! : -10_000)));
  return { inContext, starts: over(start), ends: over(end) };
}

/** The best span of one piece, if the context has a token in it. */
function spansIn(
  sequence: Sequence,
  logits: Logits,
  context: readonly string[],
  parameters: Parameters,
): Span[] {
  const { ids, encoding } = sequence;
  const { inContext, starts, ends } = probabilities(sequence, logits);
  const longest = (parameters.max_answer_len as number | undefined) ?? usual.answer;
  let best: { from: number; to: number; score: number } | undefined;
  for (let from = 0; from < ids.length; from++) {
    if (!inContext[from]) continue;
    for (let to = from; to < Math.min(ids.length, from + longest) && inContext[to]; to++) {
      const score = starts[from]! * ends[to]!;
      if (best === undefined || score > best.score) best = { from, to, score };
    }
  }
  if (best === undefined) return [];
  const offsets = encoding.getOffsets();
  let [first, last] = [best.from, best.to];
  if (parameters.align_to_words !== false) {
    const words = encoding.getWordIds();
    while (first > 0 && inContext[first - 1] && words[first - 1] === words[best.from]) first--;
    while (inContext[last + 1] && words[last + 1] === words[best.to]) last++;
  }
  const [start, end] = [offsets[first]![0], offsets[last]![1]];
  return [{ answer: context.slice(start, end).join(''), score: best.score, start, end }];
}

/** "There is no answer", as sure as the least sure of the pieces. */
function noAnswer(taken: readonly Logits[], sequences: readonly Sequence[]): Span {
  const scores = taken.map((logits, i) => {
    const { starts, ends } = probabilities(sequences[i]!, logits);
    return starts[0]! * ends[0]!;
  });
  return { answer: '', score: Math.min(...scores), start: 0, end: 0 };
}
