import { isObject } from '../../tasks/shapes.ts';

/** Longest message that is taken over from a server. */
const MESSAGE_LENGTH = 500;

/** No server hides its words deeper; a body of brackets alone must not exhaust the stack. */
const DEEPEST = 5;

/**
 * The server's words in the body of a failed response: out of JSON in any of the known forms, the title of an HTML
 * page, or the text itself. Empty where it says nothing.
 */
export function wordsOf(body: string): string {
  const text = body.trim();
  if (looksLikeHtml(text)) return clipped(htmlTitle(text) ?? 'an HTML page');
  const value = parsedJson(text);
  return clipped((value === undefined ? text : saidIn(value)) ?? text);
}

/** The error that a parsed 2xx body carries in place of an answer; undefined where it is an answer. */
export function errorIn(value: unknown): string | undefined {
  if (!isObject(value)) return undefined;
  const said = saidIn(value.error) ?? saidIn(value.errors);
  return said === undefined ? undefined : clipped(said);
}

export function looksLikeHtml(text: string): boolean {
  return /^\s*<(?:!doctype|html|head|body)\b/i.test(text);
}

export function htmlTitle(text: string): string | undefined {
  const title = /<title[^>]*>([^<]*)/i.exec(text)?.[1]?.trim() || /<h1[^>]*>([^<]*)/i.exec(text)?.[1]?.trim();
  return title ? title.replace(/\s+/g, ' ') : undefined;
}

/** JSON, or undefined for text that is none. */
export function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Plain text is one of the forms of an error; the caller shows it as it is.
    return undefined;
  }
}

/**
 * The words in a value: a string, a list of them, `{message}`, `{msg}` (FastAPI validation), or one of the fields that
 * servers put them in. OAuth's `error_description` says more than its `error`, which is a code.
 */
function saidIn(value: unknown, depth = 0): string | undefined {
  if (typeof value === 'string') return value.trim() || undefined;
  if (depth > DEEPEST) return undefined;
  if (Array.isArray(value)) {
    return (
      value
        .map((item) => saidIn(item, depth + 1))
        .filter((words) => words !== undefined)
        .join('; ') || undefined
    );
  }
  if (!isObject(value)) return undefined;
  for (const field of ['error_description', 'error', 'errors', 'message', 'detail', 'msg']) {
    const words = saidIn(value[field], depth + 1);
    if (words !== undefined) return words;
  }
  return undefined;
}

function clipped(text: string): string {
  return text.length <= MESSAGE_LENGTH ? text : `${text.slice(0, MESSAGE_LENGTH)}…`;
}
