/**
 * Tokens, padding included, of one run of the model. Measured on two cores with 6-layer encoders: at 256 to 512 tokens
 * the cores are busy; larger runs leave the second-level cache.
 */
export const tokensPerRun = 512;

/**
 * What a run costs beside its tokens, in tokens: padding that is cheaper than one more run. Measured as the time of runs
 * of 48 tokens against that of 256, per token: 6.6 for 4 layers of 256, int8, and 5 to 9 for 6 layers of 384, int8.
 */
const costOfRun = 7;

/**
 * Packs sequences into runs: sorted by length, and cut where the tokens, the padding and the runs together cost least
 * (dynamic programming over the last run of each beginning of the list).
 * A function of the lengths alone, with ties kept in order: the same window gives the same runs on every machine. Of
 * packings that cost the same it takes that with the longer last run, so that a run packed anew stays one run.
 * @param lengths tokens of each sequence
 * @param tokens tokens of a run at most, unless a single sequence is longer
 * @param rows sequences of a run at most
 * @returns indices of the sequences of each run, longest runs first
 */
export function packed(lengths: readonly number[], tokens: number, rows: number): number[][] {
  const order = lengths.map((_, i) => i).sort((a, b) => lengths[b]! - lengths[a]! || a - b);
  const count = order.length;
  /** Least cost of the first sequences, as many as the index says, and where the last run of that packing begins. */
  const cost = new Float64Array(count + 1).fill(Number.POSITIVE_INFINITY, 1);
  const begin = new Int32Array(count + 1);
  for (let first = 0; first < count; first++) {
    const longest = lengths[order[first]!]!;
    for (let end = first + 1; end <= Math.min(count, first + rows); end++) {
      const area = longest * (end - first);
      if (area > tokens && end > first + 1) break;
      const sum = cost[first]! + costOfRun + area;
      if (sum >= cost[end]!) continue;
      cost[end] = sum;
      begin[end] = first;
    }
  }
  const runs: number[][] = [];
  for (let end = count; end > 0; end = begin[end]!) runs.push(order.slice(begin[end]!, end));
  return runs.reverse();
}
