/** Special tokens as a tokenizer.json lists them; each one's id is its place. */
export function specialTokens(marks: readonly string[]): object[] {
  return marks.map((content, id) => ({
    id,
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  }));
}

/** The post-processor of BERT: `[CLS]` before one text or two, `[SEP]` behind each. */
export function aroundTexts(marks: readonly string[]): object {
  const mark = (id: string, type: number) => ({ SpecialToken: { id, type_id: type } });
  const part = (id: string, type: number) => ({ Sequence: { id, type_id: type } });
  return {
    type: 'TemplateProcessing',
    single: [mark('[CLS]', 0), part('A', 0), mark('[SEP]', 0)],
    pair: [mark('[CLS]', 0), part('A', 0), mark('[SEP]', 0), part('B', 1), mark('[SEP]', 1)],
    special_tokens: Object.fromEntries(
      ['[CLS]', '[SEP]'].map((id) => [id, { id, ids: [marks.indexOf(id)], tokens: [id] }]),
    ),
  };
}
