import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { tokenClassification } from '../../../src/backends/onnx/heads/token-classification.ts';
import { Tokenizer } from '../../../src/backends/onnx/tokenizer.ts';
import { pieceTokenizer } from '../../models/pieces.ts';
import { temporaryFolder } from '../../temporary.ts';

const labels = ['O', 'B-PER', 'B-LOC'];

/** Entities of a text, word by word, where the tokens between `[CLS]` and `[SEP]` have these labels. */
async function entities(text: string, tokenLabels: readonly string[], strategy: string) {
  const folder = temporaryFolder();
  const words = ['anna', '##berg', 'paris', '𐐨'];
  writeFileSync(join(folder, 'tokenizer.json'), pieceTokenizer(words, 1000));
  writeFileSync(join(folder, 'tokenizer_config.json'), '{"unk_token": "[UNK]"}');
  const config = { id2label: Object.fromEntries(labels.entries()) };
  const tokenizer = await Tokenizer.open(folder, config);
  const [encoding] = await tokenizer.encode([{ text }], undefined);
  if (encoding === undefined || encoding instanceof Error) throw encoding;
  const ids = encoding.getIds();
  expect(ids).toHaveLength(tokenLabels.length + 2);
  const logits = ['O', ...tokenLabels, 'O'].flatMap((label) =>
    labels.map((name) => (name === label ? 9 : 0)),
  );
  const head = tokenClassification('owner/model', config, tokenizer);
  const question = { inputs: { text }, parameters: { aggregation_strategy: strategy } };
  return head.answer(question, [Float32Array.from(logits)], [{ ids, encoding, text: 0 }]);
}

test('a piece that goes on a word has the label of the word; simple aggregation keeps it apart', async () => {
  const pieces = ['B-PER', 'B-LOC'];
  expect(await entities('Annaberg', pieces, 'first')).toMatchObject([
    { entity_group: 'PER', start: 0, end: 8 },
  ]);
  expect(await entities('Annaberg', pieces, 'simple')).toMatchObject([
    { entity_group: 'PER', start: 0, end: 4 },
    { entity_group: 'LOC', start: 4, end: 8 },
  ]);
});

test.each([
  ['a letter of two UTF-16 units', 'Anna 𐐨', 5, 6],
  ['what the vocabulary does not have', 'Anna 😀', 5, 6],
])('%s is a word of its own', async (_, text, start, end) => {
  expect(await entities(text, ['B-PER', 'B-LOC'], 'first')).toMatchObject([
    { entity_group: 'PER', start: 0, end: 4 },
    { entity_group: 'LOC', start, end },
  ]);
});
