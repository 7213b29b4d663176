import stringWidth from 'string-width';
import { shown } from './shown.ts';

/** Widest a cell may be before it is cut, where nothing else is asked; a row of text stays on one line of a terminal. */
const widest = 56;
/** A column that is cut to less than this tells nothing. */
const narrowest = 12;

/** A plain table: a head, a rule, the rows. Numbers are aligned right, long cells are cut with `…`. */
export function table(head: readonly string[], rows: readonly (readonly unknown[])[], most = widest): string {
  const cells = rows.map((row) => row.map((value) => cut(shown(value), most)));
  const widths = widthsOf(head, cells);
  const right = head.map((_, column) => rows.length > 0 && rows.every((row) => isNumber(row[column])));
  const line = (row: readonly string[]) =>
    row
      .map((cell, column) => {
        const padding = ' '.repeat(Math.max(0, widths[column]! - stringWidth(cell)));
        return right[column] ? padding + cell : cell + padding;
      })
      .join('  ')
      .trimEnd();
  return [line(head), widths.map((width) => '─'.repeat(width)).join('  '), ...cells.map(line)].join('\n');
}

/**
 * Rows for a terminal of so many columns: a table whose widest columns are cut until it fits; where there are too many
 * columns for that, a block of `name  value` lines for each row.
 */
export function fitted(
  head: readonly string[],
  rows: readonly (readonly unknown[])[],
  width: number,
): string {
  const cells = rows.map((row) => row.map(shown));
  const natural = widthsOf(head, cells);
  const total = (most: number) =>
    natural.reduce((sum, own, i) => sum + Math.max(Math.min(own, most), stringWidth(head[i]!)) + 2, -2);
  let most = Math.max(...natural, narrowest);
  while (most > narrowest && total(most) > width) most--;
  return total(most) <= width ? table(head, rows, most) : blocks(head, cells, width);
}

function blocks(head: readonly string[], cells: readonly (readonly string[])[], width: number): string {
  const names = Math.max(...head.map((name) => stringWidth(name)));
  const lines = (row: readonly string[]) =>
    head.map((name, i) =>
      `${name}${' '.repeat(names - stringWidth(name))}  ${cut(row[i] ?? '', width - names - 2)}`.trimEnd(),
    );
  return cells.map((row) => lines(row).join('\n')).join(`\n${'─'.repeat(Math.min(width, 40))}\n`);
}

function widthsOf(head: readonly string[], cells: readonly (readonly string[])[]): number[] {
  return head.map((name, column) =>
    cells.reduce((most, row) => Math.max(most, stringWidth(row[column] ?? '')), stringWidth(name)),
  );
}

function isNumber(value: unknown): boolean {
  return typeof value === 'number' || typeof value === 'bigint' || value === null || value === undefined;
}

/** The text, or as much of it as fits before a `…`. */
export function cut(text: string, most: number): string {
  if (stringWidth(text) <= most) return text;
  let start = '';
  let width = 0;
  for (const { segment } of graphemes.segment(text)) {
    width += stringWidth(segment);
    if (width > most - 1) break;
    start += segment;
  }
  return `${start}…`;
}

/** What a terminal shows in one place is never torn apart: flags, families, letters with their marks. */
const graphemes = new Intl.Segmenter();
