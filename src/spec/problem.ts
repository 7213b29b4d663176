import stringWidth from 'string-width';

/** What is wrong with a job file; low-cardinality, stable, shown to scripts. */
export type ProblemKind =
  | 'yaml-syntax'
  | 'unknown-field'
  | 'missing-field'
  | 'wrong-type'
  | 'invalid-option'
  | 'missing-env'
  | 'unknown-task'
  | 'unknown-column'
  | 'wrong-column-type'
  | 'column-collision'
  | 'bad-template'
  | 'bad-condition'
  | 'bad-source';

/** A place in a job file. Line and column count from 1. */
export interface Place {
  /** The file, or `--set field` for a value from the command line. */
  file: string;
  line?: number;
  column?: number;
}

export interface Problem extends Place {
  kind: ProblemKind;
  message: string;
  /** The name or step that was probably meant. */
  suggestion?: string;
}

/** Where a field or its value stands. */
export type Locate = (path: readonly PropertyKey[], part?: 'key' | 'value') => Place;

/**
 * Problems as a person reads them, in the order of the file: `file:line:column: message`, the line, and a caret under
 * the place.
 * @param text of the job file
 */
export function formatProblems(problems: readonly Problem[], text: string): string {
  const lines = text.split(/\r\n|\r|\n/);
  return [...problems]
    .sort((a, b) => (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0))
    .map((problem) => formatProblem(problem, lines))
    .join('\n');
}

/** Characters of a long line that are shown before its place and from there on. */
const [shownBefore, shownFrom] = [150, 150];

function formatProblem(problem: Problem, lines: readonly string[]): string {
  const { file, line, column, message, suggestion } = problem;
  const hint = suggestion === undefined ? '' : ` — ${suggestion}`;
  if (line === undefined || column === undefined) {
    // `--set a.b` has named the field already.
    const named = file.startsWith('--set ') && message.startsWith(`${file.slice('--set '.length)}: `);
    return named ? `--set ${message}${hint}` : `${file}: ${message}${hint}`;
  }
  const head = `${file}:${line}:${column}: ${message}${hint}`;
  const source = lines[line - 1];
  if (source === undefined || source.trim() === '') return head;
  // Tabs become one space on both lines and wide characters count as what they take, so that the caret stays under
  // its place on any terminal.
  const start = Math.max(0, column - 1 - shownBefore);
  const shown = source.slice(start, start + shownBefore + shownFrom).replaceAll('\t', ' ');
  const indent = ' '.repeat(stringWidth(shown.slice(0, column - 1 - start)));
  return `${head}\n    ${shown}\n    ${indent}^`;
}

/** `did you mean "x"?`, where something near is known. */
export function didYouMean(name: string | undefined): { suggestion?: string } {
  return name === undefined ? {} : { suggestion: `did you mean "${name}"?` };
}
