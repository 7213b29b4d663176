import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { questionAnswering } from '../../../src/backends/onnx/heads/question-answering.ts';
import { tokenClassification } from '../../../src/backends/onnx/heads/token-classification.ts';
import { Tokenizer } from '../../../src/backends/onnx/tokenizer.ts';
import { pieceTokenizer } from '../../models/pieces.ts';
import { temporaryFolder } from '../../temporary.ts';

const labels = ['O', 'B-PER', 'B-LOC'];

/** A tokenizer that cuts words into pieces. */
async function pieces(): Promise<Tokenizer> {
  const folder = temporaryFolder();
  const words = ['anna', '##berg', 'paris', '𐐨'];
  writeFileSync(join(folder, 'tokenizer.json'), pieceTokenizer(words, 1000));
  writeFileSync(join(folder, 'tokenizer_config.json'), '{"unk_token": "[UNK]"}');
  return Tokenizer.open(folder, {});
}

/** Entities of a text, word by word, where the tokens between `[CLS]` and `[SEP]` have these labels. */
async function entities(text: string, tokenLabels: readonly string[], strategy: string) {
  const config = { id2label: Object.fromEntries(labels.entries()) };
  const tokenizer = await pieces();
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

/** The answer of a model that is sure of one piece, in a context whose two words have two pieces each. */
async function answered(piece: string, parameters = {}) {
  const tokenizer = await pieces();
  const inputs = { question: 'paris', context: 'Annaberg annaberg' };
  const [encoding] = await tokenizer.encode([{ text: inputs.question, pair: inputs.context }], undefined);
  if (encoding === undefined || encoding instanceof Error) throw encoding;
  const ids = encoding.getIds();
  // The last one: the first of the two words must not be taken for it.
  const at = ids.lastIndexOf(tokenizer.idOf(piece)!);
  const logits = Float32Array.from(ids, (_, i) => (i === at ? 9 : 0));
  const head = questionAnswering(tokenizer.maxLength);
  return head.answer({ inputs, parameters }, [{ start: logits, end: logits }], [{ ids, encoding, text: 0 }]);
}

test.each(['anna', '##berg'])('an answer is whole words: %s alone is none', async (piece) => {
  expect(await answered(piece)).toMatchObject({ answer: 'annaberg', start: 9, end: 17 });
});

test('an answer is a piece of a word where the job says that words do not count', async () => {
  expect(await answered('##berg', { align_to_words: false })).toMatchObject({
    answer: 'berg',
    start: 13,
    end: 17,
  });
});
