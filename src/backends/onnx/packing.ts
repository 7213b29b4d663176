/**
 * Tokens, padding included, of one run of the model. Measured on two cores with 6-layer encoders: at 256 to 512 tokens
 * the cores are busy; larger runs leave the second-level cache.
 */
export const tokensPerRun = 512;

/**
 * What a run costs beside its tokens, in tokens: padding that is cheaper than one more run. Measured: 5 to 9 on an AMD EPYC
 * (runs of 48 tokens against those of 256), 16 for 6 layers of 384, int8, on an Intel Xeon with AMX (runs of 256 tokens take
 * 3.3 % longer than those of 512). What is lost to padding and runs together is within a tenth of the least on either.
 */
const costOfRun = 12;

/** A window is at most this share of what is left, but not smaller than what packs well enough. */
const shareOfRest = 1 / 4;
const leastWindow = 128;

/**
 * Rows of each window, by the rows of the plan from its first one on. Where the job does not say: fewer the larger the
 * model, as a window is what a stop waits for and what a death costs, and fewer towards the end of the plan, so that
 * workers end at the same time and a job of a thousand rows has work for seven of them ("guided self-scheduling",
 * Polychronopoulos and Kuck 1987). Texts of a median of 100 characters lose above their bare tokens 4.9 % to padding and
 * runs in windows of 128, where a run costs 7 tokens, and 10 % where it costs 20; 2.9 and 6.4 % of 512, 2.1 and 5.2 % of
 * 1024, 1.8 and 4.7 % of 2048, in which workers of a small model grew from 145 MB to up to 185. In 8 bits, 1024 of them
 * take a core 1.6 s for 11 MB of weights and 4 s for 23 MB, and 512 take it 5 s for 67 MB.
 * @param asked what the job says
 */
export function windowsOf(asked: number | undefined, weightBytes: number): (rowsLeft: number) => number {
  if (asked !== undefined) return () => asked;
  const most = weightBytes < 48e6 ? 1024 : weightBytes < 96e6 ? 512 : 256;
  return (rowsLeft) => Math.max(leastWindow, Math.min(most, Math.ceil(rowsLeft * shareOfRest)));
}

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
