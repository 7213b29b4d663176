import type { Comparison } from './measure.ts';
import { countShared, sharedShare } from './measure.ts';
import { wordsOf } from './words.ts';

/** Of question-answering and table-question-answering. */
export const answers: Comparison = {
  columns: ['answer'],
  measures: [
    { name: 'shared words (F1)', over: 'mean', better: 'high', wanted: 0.95 },
    { name: 'same answer', over: 'mean', better: 'high', wanted: 0.9 },
  ],
  compare(one, other) {
    const [text, otherText] = [String(one.answer ?? ''), String(other.answer ?? '')];
    const [words, otherWords] = [wordsOf(text), wordsOf(otherText)];
    // Without words, such as "%", only the very same text is the same.
    if (words.length + otherWords.length === 0) {
      const same = text === otherText ? 1 : 0;
      return [same, same];
    }
    const shared = countShared(words, otherWords);
    return [
      sharedShare(shared, words.length, otherWords.length),
      words.join(' ') === otherWords.join(' ') ? 1 : 0,
    ];
  },
};
