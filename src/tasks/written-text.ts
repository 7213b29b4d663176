import type { Field } from 'apache-arrow';
import { column, listOf, utf8 } from './arrow-types.ts';
import { isObject } from './shapes.ts';
import { DecodeError } from './task.ts';
import type { Parameters, ResultRow } from './task.ts';

/**
 * The texts that an answer consists of, in order.
 *
 * Known shapes: `[{field}]`, the same nested once for each input, one bare object, a bare text or a list of texts, and
 * `{choices: [{text}]}` or `{choices: [{message: {content}}]}` of servers that speak like OpenAI's. A field that holds
 * a conversation instead of a text (chat pipelines of transformers) counts with its last message.
 *
 * @param fields names that the text may have, the task's own first
 * @throws {DecodeError}
 */
export function writtenTexts(answer: unknown, fields: readonly string[]): string[] {
  const items = Array.isArray(answer) ? answer.flat() : [answer];
  if (items.length === 0) throw new DecodeError(`a list of {${fields[0]}}`, answer);
  return items.flatMap((item) => {
    const texts =
      isObject(item) && Array.isArray(item.choices) ? item.choices.map(chosen) : [said(item, fields)];
    if (texts.length === 0 || texts.includes(undefined))
      throw new DecodeError(`a text in ${fields[0]}`, answer);
    return texts as string[];
  });
}

/** One text under the name of the task's result column. */
export function decodeOneText(name: string, fields: readonly string[]): (answer: unknown) => ResultRow {
  return (answer) => ({ [name]: writtenTexts(answer, fields)[0] });
}

/** `generated_text`, and all `generated_texts` where more than one was asked for. */
export function generatedColumns(parameters: Parameters): Field[] {
  const first = column('generated_text', utf8());
  return wantsSeveral(parameters) ? [first, column('generated_texts', listOf(utf8()))] : [first];
}

export function decodeGenerated(answer: unknown, parameters: Parameters): ResultRow {
  const texts = writtenTexts(answer, ['generated_text']);
  const first = { generated_text: texts[0] };
  return wantsSeveral(parameters) ? { ...first, generated_texts: texts } : first;
}

function wantsSeveral({ num_return_sequences: count }: Parameters): boolean {
  return typeof count === 'number' && count > 1;
}

function said(item: unknown, fields: readonly string[]): string | undefined {
  if (!isObject(item)) return typeof item === 'string' ? item : undefined;
  const value = fields.map((field) => item[field]).find((found) => found !== undefined);
  return typeof value === 'string' ? value : Array.isArray(value) ? contentOf(value.at(-1)) : undefined;
}

function chosen(choice: unknown): string | undefined {
  if (!isObject(choice)) return undefined;
  return typeof choice.text === 'string' ? choice.text : contentOf(choice.message);
}

function contentOf(message: unknown): string | undefined {
  return isObject(message) && typeof message.content === 'string' ? message.content : undefined;
}
