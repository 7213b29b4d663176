/** A text, or two that the model reads as a pair. */
export interface Text {
  text: string;
  pair?: string;
}

/** What is done to a text that is longer than the model takes. */
export interface Truncation {
  /** Tokens, special ones included. */
  maxLength: number;
  strategy: 'LongestFirst' | 'OnlyFirst' | 'OnlySecond';
  direction?: 'left' | 'right';
  /** Tokens that two windows over one text have in common; the windows after the first are `overflow`. */
  stride?: number;
}

/** A tokenised text. Offsets count code points of the text, as Python's strings and the API do. */
export interface Encoding {
  getIds(): number[];
  getTypeIds(): number[];
  getSpecialTokensMask(): number[];
  getOffsets(): [number, number][];
  /** For each token, the word that it belongs to; null for special tokens. */
  getWordIds(): (number | null)[];
  /** For each token, 0 or 1 for the first and second text; null for special tokens. */
  getSequenceIds(): (number | null)[];
  getOverflowing(): Encoding[];
}
