/**
 * Tokens, padding included, of one run of the model. Measured on two cores with 6-layer encoders: at 256 to 512 tokens
 * the cores are busy; larger runs only add padding and leave the second-level cache.
 */
export const tokensPerRun = 512;

/** Share of a run's tokens that may be padding; a longer row opens the next run. */
const mostPadding = 0.05;

/**
 * Packs sequences into runs: sorted by length, so that those of a run are nearly equally long.
 * A function of the lengths alone, with ties kept in order: the same window gives the same runs on every machine.
 * @param lengths tokens of each sequence
 * @param tokens tokens of a run at most, unless a single sequence is longer
 * @param rows sequences of a run at most
 * @returns indices of the sequences of each run, longest runs first
 */
export function packed(lengths: readonly number[], tokens: number, rows: number): number[][] {
  const order = lengths.map((_, i) => i).sort((a, b) => lengths[b]! - lengths[a]! || a - b);
  const runs: number[][] = [];
  let run: number[] = [];
  let longest = 0;
  let sum = 0;
  for (const i of order) {
    const length = lengths[i]!;
    const area = longest * (run.length + 1);
    const full =
      run.length >= rows || area > tokens || (area - sum - length) / Math.max(1, area) > mostPadding;
    if (run.length > 0 && full) {
      runs.push(run);
      run = [];
      sum = 0;
    }
    if (run.length === 0) longest = length;
    run.push(i);
    sum += length;
  }
  if (run.length > 0) runs.push(run);
  return runs;
}
