import { quoteIdentifier, quoteFile } from '../duckdb/quote.ts';
import type { Column } from '../duckdb/types.ts';
import { messageOf } from '../errors.ts';
import type { FileFacts, FileReader, Format, FormatContext, OpenFile, Relation, RowRange } from './format.ts';
import { unreadable, withBytes } from './open-file.ts';
import { cutsOf, type RowGroup } from './parquet-cuts.ts';
import { damagedPage } from './parquet-pages.ts';
import { sameType, sqlType } from './types.ts';

/** DuckDB's name for the number of a row in its file. */
const ROW_NUMBER = 'file_row_number';

/** Parquet, read by DuckDB alone. */
export const parquet: Format = {
  name: 'parquet',
  async open(file, context) {
    try {
      const columns = await context.engine.describe(`SELECT * FROM ${scan(file)}`);
      if (columns.some(({ name }) => name.toLowerCase() === ROW_NUMBER)) {
        throw unreadable(
          file,
          `it has a column ${ROW_NUMBER}, a name that DuckDB needs for itself`,
          `Rename the column: duckdb -c "COPY (SELECT * RENAME (${ROW_NUMBER} AS n) FROM '${file.path}') TO 'new.parquet'"`,
        );
      }
      return new ParquetReader(file, context, columns);
    } catch (error) {
      throw corruptParquet(file, error);
    }
  },
};

class ParquetReader implements FileReader {
  readonly columns: readonly Column[];
  readonly #file: OpenFile;
  readonly #context: FormatContext;
  #groups: Promise<RowGroup[]> | undefined;

  constructor(file: OpenFile, context: FormatContext, columns: readonly Column[]) {
    this.#file = file;
    this.#context = context;
    this.columns = columns;
  }

  async facts(): Promise<FileFacts> {
    const path = quoteFile(this.#file.local);
    try {
      const [row] = await this.#context.engine.rows(`SELECT num_rows::BIGINT AS n,
        (SELECT any_value(compression) FROM parquet_metadata(${path}) WHERE compression IN ('LZ4', 'LZO')) AS codec
        FROM parquet_file_metadata(${path})`);
      if (row?.codec) {
        const next = 'Write it again with zstd, snappy, gzip, brotli or lz4_raw.';
        throw unreadable(this.#file, `it is compressed with ${row.codec}, which DuckDB cannot read`, next);
      }
      await this.#checkPages(path);
      return { rows: Number(row?.n), marks: [] };
    } catch (error) {
      throw corruptParquet(this.#file, error);
    }
  }

  async #checkPages(path: string): Promise<void> {
    // Some writers give 0 where there is no dictionary, or no page.
    const chunks =
      await this.#context.engine.rows(`SELECT path_in_schema AS column, start, start + size AS "end"
      FROM (SELECT path_in_schema, total_compressed_size AS size,
          least(nullif(dictionary_page_offset, 0), nullif(data_page_offset, 0)) AS start FROM parquet_metadata(${path}))
      WHERE start > 0 AND size > 0`);
    const damaged = await withBytes(this.#file, this.#context, (bytes) =>
      damagedPage(
        bytes,
        chunks.map(({ column, start, end }) => ({
          column: String(column),
          start: Number(start),
          end: Number(end),
        })),
      ),
    );
    if (!damaged) return;
    const reason = `column ${damaged.column} is damaged: the page at byte ${damaged.offset} does not fit its checksum`;
    throw unreadable(this.#file, reason, 'Write the file again, or leave it out of source.path.');
  }

  async cuts(range: RowRange): Promise<readonly number[]> {
    this.#groups ??= this.#rowGroups();
    return cutsOf(await this.#groups, range);
  }

  async #rowGroups(): Promise<RowGroup[]> {
    const groups =
      await this.#context.engine.rows(`SELECT any_value(row_group_num_rows)::BIGINT AS rows, sum(total_uncompressed_size)::BIGINT AS bytes
      FROM parquet_metadata(${quoteFile(this.#file.local)}) GROUP BY row_group_id ORDER BY row_group_id`);
    return groups.map(({ rows, bytes }) => ({ rows: Number(rows), bytes: Number(bytes) }));
  }

  relation({ start, rows }: RowRange, columns: readonly Column[]): Relation {
    const values = columns.map(({ name, type }) => {
      const identifier = quoteIdentifier(name);
      const own = this.columns.find((column) => column.name === name);
      const isOwn = own !== undefined && sameType(own.type, type);
      return isOwn ? `, ${identifier}` : `, CAST(${identifier} AS ${sqlType(type)}) AS ${identifier}`;
    });
    // A condition on the row number makes DuckDB skip the row groups outside the range.
    const sql = `SELECT ${ROW_NUMBER} AS __row, NULL::VARCHAR AS __error${values.join('')}
      FROM ${scan(this.#file, `${ROW_NUMBER} = true`)}
      WHERE ${ROW_NUMBER} BETWEEN ${start} AND ${start + rows - 1}`;
    return {
      sql,
      [Symbol.dispose]() {
        // The SQL stands for itself.
      },
    };
  }
}

/** Hive folders are read by ourselves, alike for every format. */
function scan(file: OpenFile, ...options: string[]): string {
  return `read_parquet(${[quoteFile(file.local), 'hive_partitioning = false', ...options].join(', ')})`;
}

function corruptParquet(file: OpenFile, error: unknown): unknown {
  if (error instanceof Error && 'code' in error) return error;
  const reason = firstLine(messageOf(error)).replace(/^[A-Z][A-Za-z ]*Error: /, '');
  return unreadable(file, reason, 'Write the file again, or leave it out of source.path.', error);
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0]!;
}
