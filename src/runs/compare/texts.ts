import type { Comparison } from './measure.ts';
import { wordsOf } from './words.ts';

/** Of a column of written text: a transcript, a translation, a summary, a continuation. */
export function texts(column: string): Comparison {
  return {
    columns: [column],
    measures: [{ name: 'word error rate', over: 'mean', better: 'low', wanted: 0.1 }],
    compare: (one, other) => [wordErrorRate(String(one[column] ?? ''), String(other[column] ?? ''))],
  };
}

/**
 * Words that must be changed, added or taken out to make one text the other, as a share of the words of the longer one:
 * 0 to 1, whichever comes first. Case and punctuation do not count.
 */
export function wordErrorRate(one: string, other: string): number {
  const [words, otherWords] = [wordsOf(one), wordsOf(other)];
  const longer = Math.max(words.length, otherWords.length);
  return longer === 0 ? 0 : edits(words, otherWords) / longer;
}

/** Levenshtein's distance, by rows of its table. */
function edits(one: readonly string[], other: readonly string[]): number {
  let above = Array.from({ length: other.length + 1 }, (_, i) => i);
  for (const [i, word] of one.entries()) {
    const row = [i + 1];
    for (const [j, otherWord] of other.entries()) {
      const changed = above[j]! + (word === otherWord ? 0 : 1);
      row.push(Math.min(changed, above[j + 1]! + 1, row[j]! + 1));
    }
    above = row;
  }
  return above[other.length]!;
}
