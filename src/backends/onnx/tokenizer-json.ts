import { isObject, type JsonObject } from '../../tasks/shapes.ts';

/**
 * A tokenizer.json as the Rust implementation reads it and as its author meant it. Files written for other readers leave
 * out what that one insists on, and reduced vocabularies keep the numbers of their parents.
 */
export function repairedTokenizer(tokenizer: JsonObject): JsonObject {
  const processor = tokenizer.post_processor;
  return {
    ...tokenizer,
    pre_tokenizer: completed(tokenizer.pre_tokenizer),
    decoder: completed(tokenizer.decoder),
    post_processor: isObject(processor) ? renumbered(processor, idsByToken(tokenizer)) : (processor ?? null),
  };
}

/** `ByteLevel` with the fields that have no default there; also within a sequence of steps. */
function completed(step: unknown): unknown {
  if (!isObject(step)) return step ?? null;
  if (step.type === 'ByteLevel') return { add_prefix_space: false, trim_offsets: true, ...step };
  const inner = ['pretokenizers', 'decoders', 'processors'].find((name) => Array.isArray(step[name]));
  return inner === undefined ? step : { ...step, [inner]: (step[inner] as unknown[]).map(completed) };
}

/**
 * A template names its special tokens and gives their numbers. Where the vocabulary has another number for the name, as
 * after its reduction, the number would be that of an ordinary word.
 */
function renumbered(step: JsonObject, ids: ReadonlyMap<string, number>): JsonObject {
  if (Array.isArray(step.processors)) {
    return {
      ...step,
      processors: step.processors.map((inner) => (isObject(inner) ? renumbered(inner, ids) : inner)),
    };
  }
  if (step.type === 'ByteLevel') return completed(step) as JsonObject;
  if (!isObject(step.special_tokens)) return step;
  const special = Object.entries(step.special_tokens).map(([name, token]) => {
    if (!isObject(token) || !Array.isArray(token.tokens) || !Array.isArray(token.ids)) return [name, token];
    const given = token.ids as unknown[];
    return [name, { ...token, ids: token.tokens.map((text, i) => ids.get(String(text)) ?? given[i]) }];
  });
  return { ...step, special_tokens: Object.fromEntries(special) };
}

/** Numbers of the added tokens and of the vocabulary, where that is a mapping. */
function idsByToken({ model, added_tokens: added }: JsonObject): Map<string, number> {
  const vocab = isObject(model) && isObject(model.vocab) ? (model.vocab as Record<string, number>) : {};
  const ids = new Map(Object.entries(vocab));
  for (const token of Array.isArray(added) ? (added as unknown[]) : []) {
    if (isObject(token)) ids.set(String(token.content), Number(token.id));
  }
  return ids;
}
