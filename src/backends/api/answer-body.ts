import { isList, isObject } from '../../tasks/shapes.ts';
import { excerptOf, type Task } from '../../tasks/task.ts';
import type { CallFailure } from '../backend.ts';
import { loading, unusableBody } from './classify.ts';
import { floatListsIn } from './float-lists.ts';
import { errorIn, htmlTitle, looksLikeHtml, parsedJson } from './errors-in-body.ts';

/**
 * The JSON in the body of a 2xx response, or what makes it unusable: HTML, half a text, an error that says 200.
 * Lists of numbers that are the whole answer to a task that takes floats are read as these.
 */
export function answerIn(body: Buffer, task?: Task): { value: unknown } | { failure: CallFailure } {
  const lists = task?.answersFloats === true ? floatListsIn(body) : undefined;
  if (lists !== undefined) return { value: lists };
  const text = body.toString();
  const value = parsedJson(text) ?? parsedJson(withQuotedNumbers(text));
  if (value === undefined) return { failure: unusableBody(whyNotJson(text), text) };
  const error = errorIn(value);
  if (error === undefined) return { value };
  return {
    failure: loading(200, value) ?? unusableBody(`an error in a successful answer: ${error}`, text),
  };
}

/**
 * Python's json writes NaN and Infinity, which are no JSON. As texts they make their row fail in the task's decoding, with
 * the answer in view; as broken JSON the row would be asked, and paid, again and again. What stands in a text stays.
 */
function withQuotedNumbers(text: string): string {
  return text.replace(/"(?:[^"\\]|\\.)*"|-?\b(?:NaN|Infinity)\b/g, (found) =>
    found.startsWith('"') ? found : `"${found}"`,
  );
}

function whyNotJson(text: string): string {
  if (text.trim() === '') return 'an empty answer';
  return looksLikeHtml(text)
    ? `HTML in place of an answer: ${htmlTitle(text) ?? 'untitled'}`
    : 'an answer that is not JSON';
}

/** Rejected and not retried as it is: the halves of the batch may be answered well, single rows always are. */
export function wrongCount(value: unknown, count: number): CallFailure {
  const got = isList(value) ? `a list of ${value.length}` : 'no list';
  return {
    class: 'rejected',
    kind: 'body',
    message: `${count === 1 ? 'one input was' : `${count} inputs were`} sent, the answer is ${got}`,
    excerpt: excerptOf(value, 500),
  };
}

/**
 * The values of `field` of `[{index, …}]`, each at its index: servers send them in the order in which they were ready,
 * or by score. Where none has an index their order counts. Undefined where there is not exactly one for each of `count`.
 */
export function byIndex(items: unknown, count: number, field: string): unknown[] | undefined {
  if (!Array.isArray(items) || items.length !== count || !items.every(isObject)) return undefined;
  if (items.every(({ index }) => index === undefined)) return items.map((item) => item[field]);
  const placed = new Map(items.map((item) => [item.index, item[field]]));
  const places = Array.from({ length: count }, (_, i) => i);
  return places.every((place) => placed.has(place)) ? places.map((place) => placed.get(place)) : undefined;
}
