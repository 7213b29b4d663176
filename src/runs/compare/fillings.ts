import type { Comparison } from './measure.ts';
import { mean } from './measure.ts';
import { compareBest } from './best.ts';

interface Filling {
  token_str: string;
  score: number;
  /** Which mask, from 0. */
  mask: number;
}

/** Of fill-mask: the words of every mask of the text. */
export const fillings: Comparison = {
  columns: ['predictions'],
  measures: [
    { name: 'same best word', over: 'mean', better: 'high', wanted: 0.95 },
    { name: 'difference of its score', over: 'mean', better: 'low', wanted: 0.05 },
  ],
  compare(one, other) {
    const [words, otherWords] = [one.predictions as Filling[], other.predictions as Filling[]];
    const masks = [...new Set([...words, ...otherWords].map(({ mask }) => mask))];
    const compared = masks.map((mask) => compareBest(wordsFor(mask, words), wordsFor(mask, otherWords)));
    return [
      mean(compared.map(([same]) => same)),
      mean(compared.flatMap(([, difference]) => (difference === undefined ? [] : [difference]))),
    ];
  },
};

/** Some tokenizers give a word with the space before it, others without. */
function wordsFor(mask: number, fillings: readonly Filling[]) {
  return fillings
    .filter((filling) => filling.mask === mask)
    .map(({ token_str, score }) => ({ label: token_str.trim(), score }));
}
