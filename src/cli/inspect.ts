import { stat } from 'node:fs/promises';
import { cell } from '../arrow/rows.ts';
import { Engine } from '../duckdb/engine.ts';
import { Exit, SluiceError } from '../errors.ts';
import { Dataset } from '../sources/dataset.ts';
import type { SourceFile, SourceFormat } from '../sources/format.ts';
import { arrowText } from '../tasks/describe.ts';
import { shown } from './shown.ts';
import { fitted, table } from './table.ts';
import { bytes, count, plural, terminalWidth } from './words.ts';

export interface InspectArguments {
  path: string;
  rows: number;
  format?: SourceFormat;
  json: boolean;
}

/** `sluice inspect`: columns, row count and first rows of whatever sluice can read or has written. */
export async function inspect(args: InspectArguments): Promise<void> {
  const engine = await Engine.open();
  try {
    const dataset = await openAny(engine, args.path, args.format);
    try {
      const columns = dataset.schema.fields.map((field) => ({ name: field.name, type: arrowText(field) }));
      let rows = 0;
      for (const file of dataset.files) rows += (await dataset.facts(file, Number.MAX_SAFE_INTEGER)).rows;
      const first = await firstRows(dataset, args.rows);
      const facts = { path: args.path, ...sizeOf(dataset.files), rows, columns };
      process.stdout.write(`${args.json ? asJson(facts, first) : asText(facts, first)}\n`);
    } finally {
      dataset.close();
    }
  } finally {
    await engine.close();
  }
}

interface Facts {
  path: string;
  format: SourceFormat;
  files: number;
  bytes: number;
  rows: number;
  columns: { name: string; type: string }[];
}

/** A row's values in the order of the columns, or why it could not be read. */
type FirstRow = { values: unknown[] } | { error: string };

/** What the format is, where only the files can tell: a folder of anything else is a row for each file. */
async function openAny(engine: Engine, path: string, format: SourceFormat | undefined): Promise<Dataset> {
  try {
    return await Dataset.open(engine, { paths: [path], ...(format === undefined ? {} : { format }) });
  } catch (error) {
    if (!(error instanceof SluiceError) || error.code !== 'SOURCE_FORMAT') throw error;
    const isFile = (await stat(path).catch(() => undefined))?.isFile();
    if (!isFile) return Dataset.open(engine, { paths: [path], format: 'files' });
    throw new SluiceError('SOURCE_FORMAT', `the name of ${path} does not tell its format`, {
      next: 'say what it is: --format parquet, arrow, jsonl, csv, tsv, text or files',
      exit: Exit.usage,
    });
  }
}

function sizeOf(files: readonly SourceFile[]): { format: SourceFormat; files: number; bytes: number } {
  return {
    format: files[0]!.format,
    files: files.reduce((sum, { members }) => sum + (members?.length ?? 1), 0),
    bytes: files.reduce((sum, { size }) => sum + size, 0),
  };
}

async function firstRows(dataset: Dataset, wanted: number): Promise<FirstRow[]> {
  const columns = dataset.columns.map(({ name }) => name);
  const found: FirstRow[] = [];
  for (const file of dataset.files) {
    if (found.length >= wanted) break;
    const range = { file, start: 0, rows: wanted - found.length };
    for await (const batch of dataset.read(range, { columns })) {
      const errors = batch.getChild('__error')!;
      // `__row` and `__error` come before the columns.
      const vectors = columns.map((_, i) => batch.getChildAt(i + 2)!);
      for (let i = 0; i < batch.numRows; i++) {
        const error = errors.get(i) as string | null;
        found.push(error === null ? { values: vectors.map((vector) => cell(vector, i)) } : { error });
      }
    }
  }
  return found;
}

function asText(facts: Facts, first: readonly FirstRow[]): string {
  const names = facts.columns.map(({ name }) => name);
  const sound = first.flatMap((row) => ('values' in row ? [row.values] : []));
  const torn = first.flatMap((row, i) => ('error' in row ? [`row ${i} cannot be read: ${row.error}`] : []));
  return [
    `${facts.path}: ${facts.format}, ${plural(facts.files, 'file')}, ${bytes(facts.bytes)}, ${plural(facts.rows, 'row')}`,
    '',
    table(
      ['column', 'type'],
      facts.columns.map(({ name, type }) => [name, type]),
      terminalWidth() - Math.max(6, ...names.map((name) => name.length)) - 2,
    ),
    ...(sound.length === 0
      ? []
      : ['', `first ${count(sound.length)}:`, '', fitted(names, sound, terminalWidth())]),
    ...(torn.length === 0 ? [] : ['', ...torn.map((line) => shown(line))]),
  ].join('\n');
}

/** Rows as they are, except that bytes are told and not given: nobody wants an image on a terminal. */
function asJson(facts: Facts, first: readonly FirstRow[]): string {
  const rows = first.map((row) =>
    'error' in row
      ? row
      : Object.fromEntries(facts.columns.map(({ name }, i) => [name, row.values[i]] as const)),
  );
  return JSON.stringify(
    { ...facts, first_rows: rows },
    (_, value: unknown) => {
      if (value instanceof Uint8Array) return shown(value);
      if (typeof value !== 'bigint') return value;
      return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
    },
    2,
  );
}
