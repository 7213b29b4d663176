/**
 * The candidate that a mistyped word most likely meant, or undefined when none is close.
 *
 * Close is at most one edit in three letters (insertion, deletion, replacement, swap of neighbours), case and
 * separators aside: `batchSize` is `batch_size`. Of several equally near ones the one that is as written, or the first.
 */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  const wanted = plain(word);
  let best: string | undefined;
  let least = Math.max(1, Math.floor(wanted.length / 3)) + 1;
  let leastAsWritten = 0;
  for (const candidate of candidates) {
    const other = plain(candidate);
    if (other === '' || Math.abs(other.length - wanted.length) >= least) continue;
    const edits = distance(wanted, other);
    if (edits > least || edits >= Math.max(wanted.length, other.length)) continue;
    // `a.b.x` is `a.b.c` rather than `a.b`: what the plain words leave out decides between equals.
    const asWritten = distance(word.slice(0, 100), candidate.slice(0, 100));
    if (edits === least && asWritten >= leastAsWritten) continue;
    least = edits;
    leastAsWritten = asWritten;
    best = candidate;
  }
  return best;
}

function plain(word: string): string {
  return word
    .slice(0, 100)
    .toLowerCase()
    .replace(/[-_. ]/g, '');
}

/** Optimal string alignment: Damerau-Levenshtein where no part is edited twice. */
function distance(a: string, b: string): number {
  let [before, last]: [number[], number[]] = [[], Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      row[j] = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        row[j] = Math.min(row[j]!, before[j - 2]! + 1);
      }
    }
    [before, last] = [last, row];
  }
  return last[b.length]!;
}
