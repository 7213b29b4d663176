import { MappingError } from './mapping-error.ts';
import { brief } from './named-bytes.ts';

/**
 * A small CSV file as a table: the first line names the columns, every cell is a text. Quotes are those of RFC 4180, or
 * are escaped by a backslash where those do not fit, as in the tables of WikiTableQuestions.
 * Files of rows are read by `sources/`; this is for the one table that a row names.
 * @param name of the file, for messages
 * @throws {MappingError} for a file that is no table
 */
export function csvTable(bytes: Uint8Array, separator: string, name: string): Record<string, string[]> {
  const wrong = (why: string) => new MappingError(`names ${brief(name)}, which ${why}`);
  const text = textIn(bytes);
  if (text === undefined) throw wrong('is not UTF-8 text');
  const records = recordsOf(text, separator, doubled) ?? recordsOf(text, separator, backslashed);
  if (records === undefined) throw wrong('has text after a closing quote');
  const [header, ...rows] = records;
  if (header === undefined) throw wrong('is empty');
  if (new Set(header).size < header.length) throw wrong('has two columns of one name');
  for (const [i, row] of rows.entries()) {
    if (row.length !== header.length)
      throw wrong(`has ${header.length} columns, but ${row.length} cells in row ${i + 1}`);
  }
  return Object.fromEntries(header.map((column, at) => [column, rows.map((row) => row[at]!)]));
}

/** Without a byte order mark; undefined for what is no UTF-8. */
function textIn(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** How a quote stands inside quotes, and the text that it stands for. */
interface Quoting {
  inside: string;
  plain: (quoted: string) => string;
}

const doubled: Quoting = { inside: '[^"]|""', plain: (quoted) => quoted.replaceAll('""', '"') };
const backslashed: Quoting = {
  inside: '[^"\\\\]|\\\\[^]',
  plain: (quoted) => quoted.replace(/\\(["\\])/g, '$1'),
};

/**
 * Cells by line; empty lines are none. A quote that is never closed takes the rest of the text.
 * @returns undefined where text follows a closing quote
 */
function recordsOf(
  text: string,
  separator: string,
  { inside, plain: unescaped }: Quoting,
): string[][] | undefined {
  const records: string[][] = [];
  let record: string[] = [];
  // A cell is quoted or not, and ends at a separator, at a line's end or with the text.
  const cell = new RegExp(
    `(?:"((?:${inside})*)(?:"|$)|(?!")([^${separator}\\r\\n]*))(${separator}|\\r?\\n|\\r|$)`,
    'y',
  );
  while (cell.lastIndex < text.length || record.length > 0) {
    const found = cell.exec(text);
    if (found === null) return undefined;
    const [whole, quoted, plain, end] = found;
    record.push(quoted === undefined ? plain! : unescaped(quoted));
    if (end !== separator) {
      if (record.length > 1 || record[0] !== '' || quoted !== undefined) records.push(record);
      record = [];
      if (whole === '') break;
    }
  }
  return records;
}
