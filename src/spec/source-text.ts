import { isCollection, isMap, isPair, LineCounter, type Node, parseDocument } from 'yaml';
import type { Locate, Place, Problem } from './problem.ts';

/** A job file's text as a value, with the place of everything in it. */
export interface SourceText {
  /** The file's top-level mapping; empty when it could not be read. */
  value: Record<string, unknown>;
  locate: Locate;
  problems: Problem[];
}

const nestedTooDeeply = 'lists or mappings are nested too deeply: a job file needs a handful of levels';

/**
 * Reads YAML 1.2 with positions. Aliases may not multiply the text beyond bounds (the library counts them), and
 * duplicate keys are an error: which of the two was meant, nobody knows.
 */
export function readSource(text: string, file: string): SourceText {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, merge: true, prettyErrors: false });
  const place = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { file, line: Math.max(1, line), column: Math.max(1, col) };
  };
  // The parser ran out of stack; what it says beside that is of the rest, which it did not understand any more.
  const tooDeep = document.errors.filter(({ code }) => code === 'RESOURCE_EXHAUSTION').slice(0, 1);
  const said = tooDeep.length > 0 ? tooDeep : [...document.errors, ...document.warnings];
  const problems = said.map(
    ({ code, message, pos }): Problem => ({
      kind: 'yaml-syntax',
      message: code === 'RESOURCE_EXHAUSTION' ? nestedTooDeeply : message,
      ...place(pos[0]),
    }),
  );
  const locate: Locate = (path, part = 'value') => place(offsetOf(document.contents, path, part));
  const unusable = (message: string): SourceText => ({
    value: {},
    locate,
    problems: problems.length > 0 ? problems : [{ kind: 'yaml-syntax', message, file, line: 1, column: 1 }],
  });
  if (problems.length > 0 || document.contents === null)
    return unusable('the file is empty: a job has at least task, source, inputs and output');
  if (!isMap(document.contents))
    return unusable('a job file is a mapping of fields, such as `task: text-classification`');
  try {
    return { value: document.toJS({ maxAliasCount: 100 }) as Record<string, unknown>, locate, problems };
  } catch (error) {
    if (error instanceof RangeError) return unusable(nestedTooDeeply);
    return unusable(`the file cannot be read: ${(error as Error).message}`);
  }
}

/** Where a path leads in the text; as deep as it can be followed. */
function offsetOf(root: unknown, path: readonly PropertyKey[], part: 'key' | 'value'): number {
  let node = root as Node | null | undefined;
  let offset = 0;
  for (const [depth, key] of path.entries()) {
    if (!isCollection(node)) break;
    const pair = isMap(node)
      ? node.items.find((item) => String(item.key) === String(key))
      : node.items[Number(key)];
    if (pair === undefined) break;
    if (!isPair(pair)) {
      node = pair as Node;
      offset = node.range?.[0] ?? offset;
      continue;
    }
    const keyOffset = (pair.key as Node | null)?.range?.[0] ?? offset;
    node = pair.value as Node | null;
    const last = depth === path.length - 1;
    offset = last && part === 'key' ? keyOffset : (node?.range?.[0] ?? keyOffset);
    // A field without a value: the caret goes under its name.
    if (node?.range !== undefined && node.range !== null && node.range[0] === node.range[1])
      offset = keyOffset;
  }
  return offset;
}
