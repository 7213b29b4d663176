const segmenter = new Intl.Segmenter('und', { granularity: 'word' });

/** Words in small letters, without punctuation; also of scripts that put no spaces between them. */
export function wordsOf(text: string): string[] {
  const segments = [...segmenter.segment(text.normalize('NFKC').toLowerCase())];
  return segments.filter(({ isWordLike }) => isWordLike === true).map(({ segment }) => segment);
}
