import { quoteIdentifier, quoteLiteral } from '../duckdb/quote.ts';
import type { Column } from '../duckdb/types.ts';
import type { StoredBytes } from '../storage/storage.ts';
import { countRecords } from './count.ts';
import { emptyReader } from './empty-reader.ts';
import type { FileFacts, FileReader, Format, FormatContext, OpenFile, Relation, RowRange } from './format.ts';
import { LineFeed } from './json-lines.ts';
import { jsonColumns, jsonPointer, transformOf } from './json-schema.ts';
import { LineScanner } from './line-scanner.ts';
import { unreadable, withBytes } from './open-file.ts';
import { excerpt } from './text.ts';
import { isJson, sqlType } from './types.ts';

/** One JSON object a line. Blank lines are no rows; a line that is not an object is a row with an error. */
export const jsonl: Format = {
  name: 'jsonl',
  async open(file, context) {
    const first = await withBytes(file, context, firstLine);
    if (first === undefined) return emptyReader;
    if (isArray(first)) throw notLines(file, 'it is a JSON array, not one object a line', '.[]');
    const feed = new LineFeed(file, context);
    using lines = context.engine.register(feed);
    const objects = {
      sql: `SELECT __text AS text FROM ${lines.sql} WHERE __error IS NULL AND json_valid(__text)`,
      // Read when every line has been seen.
      get integersFit() {
        return !feed.sawBigInteger;
      },
    };
    const columns = await jsonColumns(context.engine, objects);
    // A file of one line that is torn is a row that failed; of many lines that are none, something else.
    if (columns === undefined && !(first.isOnly && /^\s*\{/.test(first.bytes.toString()))) {
      throw notLines(file, `no line is a JSON object; the first is ${excerpt(first.bytes)}`, '.');
    }
    return new JsonlReader(file, context, columns ?? []);
  },
};

class JsonlReader implements FileReader {
  readonly columns: readonly Column[];
  readonly #file: OpenFile;
  readonly #context: FormatContext;

  constructor(file: OpenFile, context: FormatContext, columns: readonly Column[]) {
    this.#file = file;
    this.#context = context;
    this.columns = columns;
  }

  async facts(every: number): Promise<FileFacts> {
    return withBytes(this.#file, this.#context, (bytes) => countRecords(new LineScanner(bytes), every));
  }

  relation(range: RowRange, columns: readonly Column[]): Relation {
    const lines = this.#context.engine.register(new LineFeed(this.#file, this.#context, range));
    return { sql: parsed(lines.sql, columns), [Symbol.dispose]: () => lines[Symbol.dispose]() };
  }
}

/** The rows of a relation of lines (`__row, __line, __error, __text`), parsed. */
function parsed(lines: string, columns: readonly Column[]): string {
  const shape = JSON.stringify(
    Object.fromEntries(columns.map(({ name, type }) => [name, transformOf(type)])),
  );
  // One parse a line in the normal case; why a line has none is asked only then.
  const value =
    columns.length > 0
      ? `TRY(json_transform(__text, ${quoteLiteral(shape)}))`
      : 'CASE WHEN json_valid(__text) THEN true END';
  const misfits = columns.filter(({ type }) => sqlType(type) !== 'VARCHAR' && !isJson(type)).map(misfit);
  const error = `CASE
    WHEN __error IS NOT NULL THEN __error
    WHEN value IS NULL THEN 'line ' || __line || ': not valid JSON: ' || left(__text, 80)
    ${misfits.join('\n    ')}
    END`;
  const fields = columns.map(({ name }) => {
    const identifier = quoteIdentifier(name);
    return `, CASE WHEN __error IS NULL THEN value.${identifier} END AS ${identifier}`;
  });
  return `SELECT __row, __error${fields.join('')} FROM (
    SELECT __row, ${error} AS __error, value FROM (
      SELECT __row, __line, __error, __text, ${value} AS value FROM ${lines}))`;
}

/** A value that is there but does not fit its column, which `json_transform` makes null without a word. */
function misfit({ name, type }: Column): string {
  const found = `json_type(__text, ${jsonPointer(name)})`;
  const what = quoteLiteral(`: column ${name}: not a value of type ${sqlType(type)}: `);
  const text = `left(json_extract_string(__text, ${jsonPointer(name)}), 80)`;
  return `WHEN value.${quoteIdentifier(name)} IS NULL AND ${found} <> 'NULL'
      THEN 'line ' || __line || ${what} || ${text}`;
}

interface FirstLine {
  bytes: Buffer;
  isOnly: boolean;
}

function firstLine(bytes: StoredBytes): FirstLine | undefined {
  const scanner = new LineScanner(bytes);
  if (!scanner.next()) return undefined;
  // A copy, because the scanner moves on.
  const line = Buffer.from(scanner.window.bytes.subarray(scanner.start, scanner.end));
  return { bytes: line, isOnly: !scanner.next() };
}

/** Whether a file is one array: its first line opens one that is not closed, or is all there is. */
function isArray({ bytes, isOnly }: FirstLine): boolean {
  const text = bytes.toString().trim();
  return text.startsWith('[') && (isOnly || !text.endsWith(']'));
}

function notLines(file: OpenFile, reason: string, filter: string) {
  const target = file.path.replace(/(\.[a-z]+)?(\.(gz|zst))?$/i, '.lines.jsonl');
  const unpack = /\.gz$/i.test(file.path) ? 'gunzip -c' : /\.zst$/i.test(file.path) ? 'zstd -dc' : undefined;
  const input = unpack ? `${unpack} '${file.path}' | jq -c '${filter}'` : `jq -c '${filter}' '${file.path}'`;
  return unreadable(file, reason, `Make it one object a line: ${input} > '${target}'`);
}
