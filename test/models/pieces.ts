import { aroundTexts, specialTokens } from './special-tokens.ts';

/** Marks of BERT, in the places that its vocabularies give them here. */
const marks = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]'];

/**
 * A tokenizer.json as BERT's uncased models have it: pieces of words, `[CLS]` and `[SEP]` around the text. Its
 * vocabulary are the words that are given, most frequent first, and the letters to spell all others.
 * @param size tokens of the vocabulary, at most
 */
export function pieceTokenizer(words: readonly string[], size: number): string {
  const signs = Array.from({ length: 94 }, (_, i) => String.fromCharCode(33 + i).toLowerCase());
  const letters = [...new Set(signs)];
  const pieces = [...marks, ...letters, ...letters.map((letter) => `##${letter}`), ...words];
  const tokenizer = {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: specialTokens(marks),
    normalizer: {
      type: 'BertNormalizer',
      clean_text: true,
      handle_chinese_chars: true,
      strip_accents: null,
      lowercase: true,
    },
    pre_tokenizer: { type: 'BertPreTokenizer' },
    post_processor: aroundTexts(marks),
    decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
    model: {
      type: 'WordPiece',
      unk_token: '[UNK]',
      continuing_subword_prefix: '##',
      max_input_chars_per_word: 100,
      vocab: Object.fromEntries([...new Set(pieces)].slice(0, size).map((piece, id) => [piece, id])),
    },
  };
  return `${JSON.stringify(tokenizer)}\n`;
}
