import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { aroundTexts, specialTokens } from './special-tokens.ts';

/** Files of a model, by their path in its folder. */
export type ModelFiles = Readonly<Record<string, string | Uint8Array>>;

/** Writes a model in the layout of the Hugging Face hub. */
export function writeModel(folder: string, files: ModelFiles): void {
  for (const [name, content] of Object.entries(files)) {
    const path = join(folder, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
  }
}

/**
 * A tokenizer.json that lower-cases a text and takes its words; `[PAD]` is 0, `[UNK]` is 1, the given words follow.
 * @param special `[CLS]` and `[SEP]` around the text, as BERT has them, and `[MASK]`; they are 2 to 4 then
 */
export function wordTokenizer(words: readonly string[], special = false): string {
  const marks = ['[PAD]', '[UNK]', ...(special ? ['[CLS]', '[SEP]', '[MASK]'] : [])];
  const tokenizer = {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: specialTokens(marks),
    normalizer: {
      type: 'Sequence',
      normalizers: [{ type: 'Lowercase' }, { type: 'Replace', pattern: { String: '’' }, content: "'" }],
    },
    pre_tokenizer: {
      type: 'Split',
      pattern: { Regex: "[\\p{L}\\p{N}]+(?:['-][\\p{L}\\p{N}]+)*" },
      behavior: 'Removed',
      invert: true,
    },
    post_processor: special ? aroundTexts(marks) : null,
    decoder: null,
    model: {
      type: 'WordLevel',
      vocab: Object.fromEntries([...marks, ...words].map((word, id) => [word, id])),
      unk_token: '[UNK]',
    },
  };
  return `${JSON.stringify(tokenizer)}\n`;
}
