import { describe, expect, test } from 'vitest';
import { repairedTokenizer } from '../../../src/backends/onnx/tokenizer-json.ts';

describe('a tokenizer.json', () => {
  test('whose template numbers its special tokens as a larger vocabulary did gets its own numbers', () => {
    const repaired = repairedTokenizer({
      added_tokens: [{ id: 2, content: '[CLS]' }],
      model: { type: 'WordPiece', vocab: { '[SEP]': 3, a: 101, b: 102 } },
      post_processor: {
        type: 'TemplateProcessing',
        special_tokens: {
          '[CLS]': { id: '[CLS]', ids: [101], tokens: ['[CLS]'] },
          '[SEP]': { id: '[SEP]', ids: [102], tokens: ['[SEP]'] },
        },
      },
    });
    expect(repaired.post_processor).toMatchObject({
      special_tokens: { '[CLS]': { ids: [2] }, '[SEP]': { ids: [3] } },
    });
  });

  test('that leaves out what Rust has no default for is completed, also inside a sequence', () => {
    const repaired = repairedTokenizer({
      model: {},
      decoder: { type: 'ByteLevel' },
      pre_tokenizer: { type: 'Sequence', pretokenizers: [{ type: 'ByteLevel', add_prefix_space: true }] },
      post_processor: { type: 'Sequence', processors: [{ type: 'ByteLevel' }] },
    });
    expect(repaired.decoder).toEqual({ type: 'ByteLevel', add_prefix_space: false, trim_offsets: true });
    expect(repaired.pre_tokenizer).toMatchObject({
      pretokenizers: [{ type: 'ByteLevel', add_prefix_space: true, trim_offsets: true }],
    });
    expect(repaired.post_processor).toMatchObject({ processors: [{ trim_offsets: true }] });
  });
});
