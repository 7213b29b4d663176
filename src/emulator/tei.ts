import { featureExtraction } from '../tasks/feature-extraction.ts';
import { sentenceSimilarity } from '../tasks/sentence-similarity.ts';
import { isObject } from '../tasks/shapes.ts';
import type { JsonObject } from '../tasks/shapes.ts';
import type { Inputs, Task } from '../tasks/task.ts';
import { textClassification } from '../tasks/text-classification.ts';
import type { Dialect } from './dialect.ts';
import { areStrings, BadRequest, checkedParameters, jsonIn } from './payload.ts';
import type { Asked, Payload } from './payload.ts';

/** text-embeddings-inference, by its routes. */
export const teiRoutes: Readonly<Record<string, Dialect>> = {
  '/embed': dialect(readEmbed, (_, answers) => answers),
  '/predict': dialect(readPredict, ({ isBatch }, answers) => {
    const flat = answers.map((answer) => (Array.isArray(answer) ? answer[0] : answer));
    return isBatch ? flat : flat[0];
  }),
  '/similarity': dialect(readSimilarity, (_, [scores]) => scores),
  '/rerank': dialect(readRerank, (_, [scores]) => ranks(scores as number[])),
};

/** Texts in a request, as it is by default. */
const MAX_BATCH = 32;

/** What `GET /info` says. */
export function teiInfo(task: Task | undefined): JsonObject {
  return {
    model_id: 'sluice/emulated',
    model_type:
      task === textClassification
        ? { classifier: { id2label: { 0: 'NEGATIVE', 1: 'POSITIVE' } } }
        : { embedding: { pooling: 'mean' } },
    max_concurrent_requests: 512,
    max_input_length: 512,
    max_batch_tokens: 16_384,
    max_client_batch_size: MAX_BATCH,
    auto_truncate: false,
  };
}

function dialect(read: Dialect['read'], answer: Dialect['answer']): Dialect {
  return { refusal: 422, overload: 429, estimates: false, read, answer, error };
}

const TYPES: Readonly<Record<number, string>> = {
  400: 'empty',
  413: 'validation',
  422: 'validation',
  429: 'overloaded',
  503: 'unhealthy',
};

function error(status: number, words: string): unknown {
  return { error: words, error_type: TYPES[status] ?? 'backend' };
}

function readEmbed({ body }: Asked): Payload {
  const { inputs, ...parameters } = jsonIn(body);
  const texts = typeof inputs === 'string' ? [inputs] : inputs;
  if (!isTexts(texts)) throw new BadRequest('inputs: expected a string or a list of strings');
  return payload(
    featureExtraction,
    texts.map((text) => ({ text })),
    checkedParameters(featureExtraction, parameters),
  );
}

/** A flat list is one text, or one pair of texts; only lists in a list are a batch. */
function readPredict({ body }: Asked): Payload {
  const { inputs, raw_scores: _, truncate: __, ...parameters } = jsonIn(body);
  const isBatch = Array.isArray(inputs) && Array.isArray(inputs[0]);
  const sequences: unknown[] = isBatch ? inputs : [typeof inputs === 'string' ? [inputs] : inputs];
  const items = sequences.map((sequence) => {
    if (!isTexts(sequence) || sequence.length > 2)
      throw new BadRequest('inputs: expected a string or a pair of strings');
    return { text: sequence.join(' ') };
  });
  return {
    ...payload(textClassification, items, checkedParameters(textClassification, parameters)),
    isBatch,
  };
}

function readSimilarity({ body }: Asked): Payload {
  const { inputs } = jsonIn(body);
  return compared(isObject(inputs) ? inputs : {}, 'source_sentence', 'sentences');
}

function readRerank({ body }: Asked): Payload {
  return compared(jsonIn(body), 'query', 'texts');
}

function compared(given: JsonObject, one: string, others: string): Payload {
  const { [one]: source_sentence, [others]: sentences } = given;
  if (typeof source_sentence !== 'string') throw new BadRequest(`missing field \`${one}\``);
  if (!isTexts(sentences)) throw new BadRequest(`missing field \`${others}\``);
  refuseTooMany(sentences.length);
  return payload(sentenceSimilarity, [{ source_sentence, sentences }], {});
}

/** The best first, each with the place that it had in the request. */
function ranks(scores: readonly number[]): unknown {
  return scores.map((score, index) => ({ index, score })).sort((a, b) => b.score - a.score);
}

function payload(task: Task, items: Inputs[], parameters: JsonObject): Payload {
  refuseTooMany(items.length);
  return { task, items, isBatch: true, parameters, waitForModel: false };
}

function refuseTooMany(count: number): void {
  if (count > MAX_BATCH)
    throw new BadRequest(`batch size ${count} > maximum allowed batch size ${MAX_BATCH}`);
}

function isTexts(value: unknown): value is string[] {
  return areStrings(value) && (value as string[]).length > 0;
}
