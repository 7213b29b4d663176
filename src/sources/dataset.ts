import type { RecordBatch, Schema } from 'apache-arrow';
import type { Engine } from '../duckdb/engine.ts';
import { quoteIdentifier, quoteLiteral } from '../duckdb/quote.ts';
import { arrowSchema, type Column, friendlyType } from '../duckdb/types.ts';
import { Exit, messageOf, SluiceError } from '../errors.ts';
import { localStorage } from '../storage/local.ts';
import { nearest } from '../nearest.ts';
import { Scratch } from '../storage/scratch.ts';
import type { Storage } from '../storage/storage.ts';
import { findFiles } from './find.ts';
import type {
  FileFacts,
  FileReader,
  FormatContext,
  Relation,
  RowRange,
  SourceFile,
  SourceFormat,
} from './format.ts';
import { openAll } from './open-all.ts';
import { unreadable } from './open-file.ts';
import { partitionColumns } from './partitions.ts';
import { checkNames, combinedColumns } from './schema.ts';
import { sqlType } from './types.ts';
import { checkWhere, mentions } from './where.ts';

export interface DatasetOptions {
  /** Paths, globs and folders, as the user wrote them. */
  paths: readonly string[];
  /** Undefined: told by each file's extension. */
  format?: SourceFormat;
  /** Where the files are; the local disk by default. */
  storage?: Storage;
}

/** Consecutive rows of one file of the dataset. */
export interface FileRange extends RowRange {
  file: SourceFile;
}

export interface ReadOptions {
  /** Names of columns; only these are read. */
  columns: readonly string[];
  /** A condition that `checkWhere` has let pass. Rows that could not be read pass it always. */
  where?: string;
  signal?: AbortSignal;
}

/** What helps against DuckDB's errors, by their beginning. */
const ADVICE = [
  {
    words: /^(Conversion|Out of Range) Error/,
    next: 'Use TRY_CAST in source.where, so that a value that cannot be converted is null.',
  },
  {
    words: /^Out of Memory Error/,
    next: 'Write the file again in smaller row groups, without single values of gigabytes.',
  },
];
const OTHER_ADVICE = { next: 'Write the file again, or leave it out of source.path.' };

/** Files of one format, read as one table. */
export class Dataset {
  /** Sorted by path. */
  readonly files: readonly SourceFile[];
  /** Of all files together: those of the files, widened, then those of the Hive folders. */
  readonly columns: readonly Column[];
  readonly #context: FormatContext;
  readonly #readers: ReadonlyMap<string, FileReader>;
  /** By lower-case name: the columns that the folders give, which count before a file's own. */
  readonly #partitions: ReadonlySet<string>;

  private constructor(
    context: FormatContext,
    files: readonly SourceFile[],
    readers: ReadonlyMap<string, FileReader>,
    columns: readonly Column[],
    partitions: ReadonlySet<string>,
  ) {
    this.#context = context;
    this.files = files;
    this.#readers = readers;
    this.columns = columns;
    this.#partitions = partitions;
  }

  /**
   * Finds the files and looks into each far enough to know its columns.
   * @throws {SluiceError} of the kinds `SOURCE_…`, exit 3, when there is nothing, or something that cannot be read
   */
  static async open(engine: Engine, options: DatasetOptions): Promise<Dataset> {
    const { paths, format, storage = localStorage } = options;
    const context = { engine, storage, scratch: new Scratch() };
    try {
      const files = await findFiles(storage, paths, format);
      for (const { path, partitions } of files) checkNames(path, partitions);
      const readers = await openAll(files, context);
      const partitions = partitionColumns(files);
      const fromFolders = new Set(partitions.map(({ name }) => name.toLowerCase()));
      const opened = files.map(({ path }) => {
        const own = readers.get(path)!.columns;
        return { path, columns: own.filter(({ name }) => !fromFolders.has(name.toLowerCase())) };
      });
      const columns = [...(await combinedColumns(engine, opened)), ...partitions];
      return new Dataset(context, files, readers, columns, fromFolders);
    } catch (error) {
      context.scratch.close();
      throw error;
    }
  }

  /** The Arrow schema of the columns, as `read` gives them. */
  get schema(): Schema {
    return arrowSchema(this.columns.map(({ name, type }) => ({ name, type: friendlyType(type) })));
  }

  /** Counts a file's rows. `every`: how many rows apart the marks are. */
  async facts(file: SourceFile, every: number): Promise<FileFacts> {
    return this.#reader(file).facts(every);
  }

  /**
   * `__row`, `__error` and these columns of a range, in file order, as SQL. A row that could not be read has the
   * reason in `__error` and nulls in the file's columns.
   * @throws {SluiceError} `SOURCE_UNKNOWN_COLUMN`
   */
  relation(range: FileRange, columns: readonly string[], where?: string): Relation {
    const wanted = columns.map((name) => this.#column(name));
    const tested = this.columns.filter(
      (column) => where !== undefined && !wanted.includes(column) && mentions(where, column.name),
    );
    const rows = this.#rows(range, [...wanted, ...tested]);
    if (where === undefined) return rows;
    const names = wanted.map(({ name }) => `, ${quoteIdentifier(name)}`).join('');
    return {
      sql: `SELECT __row, __error${names} FROM (${rows.sql}) WHERE (${where}\n) OR __error IS NOT NULL`,
      [Symbol.dispose]: () => rows[Symbol.dispose](),
    };
  }

  /**
   * A range's relation as the queries that read it, one after the other, without holding many wide rows in memory.
   * @throws {SluiceError} `SOURCE_READ`
   */
  async queries(range: FileRange, { sql }: Pick<Relation, 'sql'>): Promise<string[]> {
    const cuts = await this.#cuts(range);
    if (cuts.length < 2) return [sql];
    return cuts.map((first, i) => {
      const last = (cuts[i + 1] ?? range.start + range.rows) - 1;
      return `SELECT * FROM (${sql}) WHERE __row BETWEEN ${first} AND ${last}`;
    });
  }

  async #cuts(range: FileRange): Promise<readonly number[]> {
    try {
      return (await this.#reader(range.file).cuts?.(range)) ?? [];
    } catch (error) {
      throw this.explained(range.file, error);
    }
  }

  /** The rows of a range as Arrow batches: `__row`, `__error`, then the columns. */
  async *read(range: FileRange, options: ReadOptions): AsyncGenerator<RecordBatch, void, undefined> {
    const { columns, where, signal } = options;
    using relation = this.relation(range, columns, where);
    const { engine } = this.#context;
    const how = { rowWise: true, ...(signal && { signal }) };
    try {
      for (const sql of await this.queries(range, relation)) yield* engine.stream(sql, how);
    } catch (error) {
      if (signal?.aborted) throw error;
      throw this.explained(range.file, error);
    }
  }

  /**
   * Reads columns of a range and forgets them, so that a damaged one that is only kept is told before rows are paid
   * for. Text needs no such look: what is wrong in it is wrong in a row, not in a column.
   * @throws {SluiceError} `SOURCE_READ`, `SOURCE_CORRUPT`
   */
  async checkColumns(range: FileRange, columns: readonly string[]): Promise<void> {
    const { format } = range.file;
    if (columns.length === 0 || (format !== 'parquet' && format !== 'arrow')) return;
    using relation = this.relation(range, columns);
    // A count would be taken from the statistics.
    const values = columns.map((name) => `max(hash(${quoteIdentifier(this.#column(name).name)}))`);
    try {
      await this.#context.engine.rows(`SELECT ${values.join(', ')} FROM (${relation.sql})`);
    } catch (error) {
      throw this.explained(range.file, error);
    }
  }

  /**
   * Refuses a source that has no column because all its rows are torn: a job would be told that its columns are unknown.
   * @throws {SluiceError} `SOURCE_CORRUPT`, with what is wrong with the first row
   */
  async checkReadable(): Promise<void> {
    if (this.columns.length > this.#partitions.size) return;
    let first: SluiceError | undefined;
    for (const file of this.files) {
      using relation = this.relation({ file, start: 0, rows: Number.MAX_SAFE_INTEGER }, []);
      const [rows] = await this.#context.engine.rows(
        `SELECT min_by(__error, __row) AS torn, count(*) - count(__error) AS sound FROM (${relation.sql})`,
      );
      if (Number(rows?.sound) > 0) return;
      if (rows?.torn) first ??= unreadable(file, `no row of it can be read; ${rows.torn}`, OTHER_ADVICE.next);
    }
    if (first !== undefined) throw first;
  }

  /** What went wrong while a relation of a file was read, as an error for the user. */
  explained(file: SourceFile, error: unknown): unknown {
    if (error instanceof SluiceError) return error;
    const reason = messageOf(error).split('\n', 1)[0]!;
    const advice = ADVICE.find(({ words }) => words.test(reason)) ?? OTHER_ADVICE;
    return new SluiceError('SOURCE_READ', `source cannot be read: ${file.path} (${reason})`, {
      next: advice.next,
      cause: error,
    });
  }

  /** @throws {SluiceError} `SOURCE_WHERE` when a condition cannot be used with these columns */
  async checkWhere(where: string): Promise<void> {
    await checkWhere(this.#context.engine, where, this.columns);
  }

  /** Whether a file, or each of a folder's files in a range, is still the one that was opened, by size and time. */
  async isUnchanged(file: SourceFile, { start, rows }: Pick<RowRange, 'start' | 'rows'>): Promise<boolean> {
    const looked = file.members?.slice(start, start + rows) ?? [file];
    for (const { path, size, modifiedMs } of looked) {
      const now = await this.#context.storage.stat(path);
      if (now === undefined || now.size !== size || now.modifiedMs !== modifiedMs) return false;
    }
    return true;
  }

  /** Removes temporary files. Relations must not be used any more. */
  close(): void {
    this.#context.scratch.close();
  }

  /** The relation of a range with the dataset's names and types, also for columns that the file does not have. */
  #rows(range: FileRange, columns: readonly Column[]): Relation {
    const reader = this.#reader(range.file);
    const own = new Map(reader.columns.map((column) => [column.name.toLowerCase(), column.name]));
    const needed: Column[] = [];
    const values = columns.map(({ name, type }) => {
      const key = name.toLowerCase();
      const ownName = own.get(key);
      const alias = quoteIdentifier(name);
      if (this.#partitions.has(key)) return `, ${this.#partitionValue(range.file, key, type)} AS ${alias}`;
      if (ownName === undefined) return `, CAST(NULL AS ${sqlType(type)}) AS ${alias}`;
      needed.push({ name: ownName, type });
      return `, ${quoteIdentifier(ownName)} AS ${alias}`;
    });
    const relation = reader.relation(range, needed);
    return {
      sql: `SELECT __row, __error${values.join('')} FROM (${relation.sql})`,
      [Symbol.dispose]: () => relation[Symbol.dispose](),
    };
  }

  #partitionValue(file: SourceFile, key: string, type: Column['type']): string {
    const value = file.partitions.find(({ name }) => name.toLowerCase() === key)?.value ?? null;
    return `CAST(${value === null ? 'NULL' : quoteLiteral(value)} AS ${sqlType(type)})`;
  }

  #column(name: string): Column {
    const column = this.columns.find((c) => c.name.toLowerCase() === name.toLowerCase());
    if (column) return column;
    const names = this.columns.map((c) => c.name);
    const close = nearest(name, names);
    throw new SluiceError('SOURCE_UNKNOWN_COLUMN', `source has no column: ${name}`, {
      next: close ? `Did you mean ${close}?` : `The columns are: ${names.join(', ')}.`,
      exit: Exit.usage,
    });
  }

  #reader(file: SourceFile): FileReader {
    const reader = this.#readers.get(file.path);
    if (!reader) throw new Error(`source file is not of this dataset: ${file.path}`);
    return reader;
  }
}
