/**
 * Glob patterns. Our own, because names of data files are full of signs that the usual packages give a meaning to:
 * `(1)`, `!`, `+` and `@` are plain here, and what a wildcard passes over is Hive's convention, not the shell's.
 */

/** One folder level of a pattern: a plain name, any number of levels, or a test for a name. */
export type Segment = { literal: string } | { anyDepth: true } | { matches: (name: string) => boolean };

/** Whether a text has wildcards at all. */
export function isGlob(text: string): boolean {
  return /[*?[{]/.test(text);
}

/** `a/{b,c{1,2}}` as the patterns `a/b`, `a/c1`, `a/c2`. A brace without partner or comma is plain. */
export function expandBraces(pattern: string): string[] {
  for (let open = nextPlain(pattern, '{', 0); open >= 0; open = nextPlain(pattern, '{', open + 1)) {
    const group = braceGroup(pattern, open);
    if (!group) continue;
    const before = pattern.slice(0, open);
    return group.choices.flatMap((choice) => expandBraces(before + choice + pattern.slice(group.end)));
  }
  return [pattern];
}

/** The levels of a pattern without braces. */
export function segmentsOf(pattern: string): Segment[] {
  return pattern.split('/').map((text) => {
    if (text === '**') return { anyDepth: true };
    if (!/[*?[\\]/.test(text)) return { literal: text };
    const visible = (name: string) => !isHidden(name) || text[0] === name[0];
    const expression = new RegExp(`^${expressionOf(text)}$`, 'su');
    return { matches: (name) => visible(name) && expression.test(name) };
  });
}

/** Names that are no data in a folder: `.part.crc`, `_SUCCESS`, `_temporary`; not the Hive partition `_day=1`. */
export function isHidden(name: string): boolean {
  return name.startsWith('.') || (name.startsWith('_') && !name.includes('='));
}

function nextPlain(text: string, sign: string, from: number): number {
  for (let i = from; i < text.length; i++) {
    if (text[i] === '\\') i++;
    else if (text[i] === sign) return i;
  }
  return -1;
}

function braceGroup(text: string, open: number): { choices: string[]; end: number } | undefined {
  const choices: string[] = [];
  let depth = 0;
  let start = open + 1;
  for (let i = open; i < text.length; i++) {
    const sign = text[i];
    if (sign === '\\') i++;
    else if (sign === '{') depth++;
    else if ((sign === ',' && depth === 1) || (sign === '}' && depth-- === 1)) {
      choices.push(text.slice(start, i));
      start = i + 1;
      if (sign === '}') return choices.length > 1 ? { choices, end: i + 1 } : undefined;
    }
  }
  return undefined;
}

function expressionOf(segment: string): string {
  let expression = '';
  for (let i = 0; i < segment.length; i++) {
    const sign = segment[i]!;
    const set = sign === '[' ? setAt(segment, i) : undefined;
    if (sign === '*') expression += '.*';
    else if (sign === '?') expression += '.';
    else if (set) {
      expression += set.expression;
      i += set.length - 1;
    } else if (sign === '\\' && i + 1 < segment.length) expression += plain(segment[++i]!);
    else expression += plain(sign);
  }
  return expression;
}

/** A set such as `[a-z]` or `[!0-9]`. One that is not closed, or a range that runs backwards, is plain text. */
function setAt(segment: string, at: number): { expression: string; length: number } | undefined {
  const found = /^\[([!^]?)(\]?[^\]]*)\]/.exec(segment.slice(at));
  if (!found) return undefined;
  const [text, not, signs] = found;
  const backwards = [...signs!.matchAll(/(.)-(.)/gsu)].some(([, from, to]) => from! > to!);
  if (backwards) return undefined;
  return { expression: `[${not ? '^' : ''}${signs!.replaceAll(/[\\\][^]/g, '\\$&')}]`, length: text.length };
}

function plain(sign: string): string {
  return /[\\^$.*+?()[\]{}|/]/.test(sign) ? `\\${sign}` : sign;
}
