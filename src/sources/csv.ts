import { isUtf8 } from 'node:buffer';
import { SQLNULL, VARCHAR } from '@duckdb/node-api';
import { quoteIdentifier, quoteLiteral } from '../duckdb/quote.ts';
import { type Column, uniqueNames } from '../duckdb/types.ts';
import { countRecords } from './count.ts';
import { type Guess, guessDialect, type Sample, sampleOf } from './csv-dialect.ts';
import { type CsvLayout, fieldName, RecordFeed } from './csv-records.ts';
import { CsvScanner, type Dialect } from './csv-scanner.ts';
import { type CsvColumn, fieldValue, sniff, widerTypes } from './csv-types.ts';
import type { FileFacts, FileReader, Format, FormatContext, OpenFile, Relation, RowRange } from './format.ts';
import { unreadable, withBytes } from './open-file.ts';
import { notUtf8 } from './text.ts';
import { sameType, sqlType } from './types.ts';

/** Comma-, semicolon- or pipe-separated text; a record of another width than the others is a row with an error. */
export const csv: Format = { name: 'csv', open: (file, context) => openCsv(file, context, 'csv') };

/** Tab-separated text. */
export const tsv: Format = { name: 'tsv', open: (file, context) => openCsv(file, context, 'tsv') };

async function openCsv(file: OpenFile, context: FormatContext, format: 'csv' | 'tsv'): Promise<FileReader> {
  const sample = await withBytes(file, context, sampleOf);
  const guess = guessDialect(sample, format);
  const sound = soundRecords(file, sample, guess);
  const { hasHeader, columns } = await describeColumns(context, guess, sound);
  const start = hasHeader ? sound.afterFirst : guess.start;
  const layout = { dialect: guess.dialect, width: guess.width, start };
  // A header alone says nothing of types; files with rows decide.
  if (hasHeader && sound.rows === 1 && sample.isWhole) {
    const untyped = columns.map((column) => ({ ...column, type: SQLNULL }));
    return new CsvReader(file, context, layout, untyped);
  }
  const checked = sample.isWhole ? columns : await checkTypes(file, context, layout, columns);
  return new CsvReader(file, context, layout, checked);
}

class CsvReader implements FileReader {
  readonly columns: readonly Column[];
  readonly #file: OpenFile;
  readonly #context: FormatContext;
  readonly #layout: CsvLayout;
  readonly #columns: readonly CsvColumn[];

  constructor(file: OpenFile, context: FormatContext, layout: CsvLayout, columns: readonly CsvColumn[]) {
    this.#file = file;
    this.#context = context;
    this.#layout = layout;
    this.#columns = columns;
    this.columns = columns.map(({ name, type }) => ({ name, type }));
  }

  async facts(every: number): Promise<FileFacts> {
    const { dialect, start } = this.#layout;
    return withBytes(this.#file, this.#context, (bytes) =>
      countRecords(new CsvScanner(bytes, dialect, start), every),
    );
  }

  relation(range: RowRange, columns: readonly Column[]): Relation {
    const feed = new RecordFeed(this.#file, this.#context, this.#layout, range);
    const records = this.#context.engine.register(feed);
    const values = columns.map((column) => this.#value(column));
    const misfits = values.filter(({ mayFail }) => mayFail).map(misfit);
    // CASE takes the first reason; without any there is nothing to decide.
    const error =
      misfits.length === 0
        ? '__error'
        : `CASE WHEN __error IS NOT NULL THEN __error ${misfits.join(' ')} END`;
    const inner = values.map(({ sql, name }) => `, ${sql} AS ${quoteIdentifier(name)}`).join('');
    const outer = values.map(({ name }) => {
      const identifier = quoteIdentifier(name);
      return misfits.length === 0
        ? `, ${identifier}`
        : `, CASE WHEN __error IS NULL THEN ${identifier} END AS ${identifier}`;
    });
    return {
      sql: `SELECT __row, __error${outer.join('')} FROM (
        SELECT __row, ${error} AS __error${inner} FROM ${records.sql})`,
      [Symbol.dispose]: () => records[Symbol.dispose](),
    };
  }

  /** A column as SQL over the feed. Where text is wanted it is the field's own, `007` and all. */
  #value({ name, type }: Column) {
    const index = this.#columns.findIndex((column) => column.name === name);
    const column = this.#columns[index]!;
    const field = fieldName(index);
    if (sameType(type, VARCHAR)) return { name, field, type, sql: field, mayFail: false };
    const value = fieldValue(field, column);
    const sql = sameType(type, column.type) ? value : `TRY_CAST(${value} AS ${sqlType(type)})`;
    return { name, field, type, sql, mayFail: true };
  }
}

function misfit({ name, field, type, sql }: Column & { field: string; sql: string }): string {
  const what = quoteLiteral(`: column ${name}: not a value of type ${sqlType(type)}: `);
  return `WHEN ${field} IS NOT NULL AND ${sql} IS NULL THEN 'line ' || __line || ${what} || left(${field}, 80)`;
}

/** The records of a sample that are as they should be, one a line end, for DuckDB's sniffer. */
interface SoundRecords {
  text: Buffer;
  /** The fields of the first record. */
  first: string[];
  /** Where the record after the first begins. */
  afterFirst: Guess['start'];
  /** Records of the sample, sound or not. */
  rows: number;
}

function soundRecords(file: OpenFile, sample: Sample, { dialect, width, start }: Guess): SoundRecords {
  const scanner = new CsvScanner(sample, dialect, start);
  const lines: Buffer[] = [];
  let first: string[] = [];
  let afterFirst = start;
  let rows = 0;
  let foreign: string | undefined;
  let foreignRows = 0;
  while (scanner.next()) {
    const record = scanner.window.bytes.subarray(scanner.start, scanner.end);
    if (!isUtf8(record)) {
      foreign ??= `line ${scanner.line} is ${notUtf8(record)}`;
      foreignRows++;
    } else if (!scanner.problem && scanner.fields === width) {
      if (rows === 0) first = Array.from({ length: width }, (_, i) => scanner.field(i).toString());
      lines.push(Buffer.from(record), Buffer.of(dialect.lineEnd));
    }
    if (rows++ === 0) afterFirst = scanner.position;
  }
  // A header in another encoding would give names that nobody can write; a table of it nothing but failed rows.
  if (foreign && (first.length === 0 || foreignRows * 2 >= rows)) {
    const next = `Convert it, for example: iconv -f latin1 -t utf-8 '${file.path}' > utf8.csv`;
    throw unreadable(file, foreign, next);
  }
  return { text: Buffer.concat(lines), first, afterFirst, rows };
}

async function describeColumns(
  { engine, scratch }: FormatContext,
  { dialect, width }: Guess,
  { text, first }: SoundRecords,
): Promise<{ hasHeader: boolean; columns: CsvColumn[] }> {
  using file = scratch.file(text);
  const sniffed = await sniff(engine, file.path, sniffOptions(dialect), width);
  if (sniffed) return sniffed;
  const names = uniqueNames(first.map((name, i) => name || `column${i}`));
  return { hasHeader: true, columns: names.map((name) => ({ name, type: VARCHAR, format: undefined })) };
}

/** A sign that separates nothing, for files of one column: the sniffer must be told some delimiter. */
const NO_DELIMITER = '\u0001';

function sniffOptions(dialect: Dialect): string {
  const { delimiter, quote } = dialect;
  const sign = (byte: number | undefined) =>
    quoteLiteral(byte === undefined ? '' : String.fromCharCode(byte));
  const delim = delimiter === undefined ? quoteLiteral(NO_DELIMITER) : sign(delimiter);
  return `delim = ${delim}, quote = ${sign(quote)}, escape = ${sign(dialect.escapeBy)}, comment = '', skip = 0`;
}

/** Widens the types that a sample suggested until they hold every value of the file. */
async function checkTypes(
  file: OpenFile,
  context: FormatContext,
  layout: CsvLayout,
  columns: readonly CsvColumn[],
): Promise<CsvColumn[]> {
  const candidates = columns.map((column) => {
    if (column.type === VARCHAR) return [column];
    return [
      column,
      ...widerTypes(column.type).map((type) => ({ name: column.name, type, format: undefined })),
    ];
  });
  const counts = candidates.flatMap((wider, index) =>
    wider.slice(0, -1).map((candidate, i) => {
      const field = fieldName(index);
      const misfits = `${field} IS NOT NULL AND ${fieldValue(field, candidate)} IS NULL`;
      return `count_if(${misfits}) AS ${fieldName(index)}_${i}`;
    }),
  );
  if (counts.length === 0) return [...columns];
  using records = context.engine.register(new RecordFeed(file, context, layout));
  const [row = {}] = await context.engine.rows(
    `SELECT ${counts.join(', ')} FROM ${records.sql} WHERE __error IS NULL`,
  );
  return candidates.map((wider, index) => wider.find((_, i) => !row[`${fieldName(index)}_${i}`])!);
}
