import { DuckDBArrayType, type DuckDBType, DuckDBTypeId, LIST, VARCHAR } from '@duckdb/node-api';
import { rowsOf } from '../arrow/rows.ts';
import { quoteFile, quoteIdentifier, quoteLiteral } from '../duckdb/quote.ts';
import { castColumns, mapType } from '../duckdb/types.ts';
import { createFile } from './file.ts';
import { selectPart } from './select.ts';
import type { Compression, Writer } from './writer.ts';

const CODECS: Record<Compression, string> = {
  zstd: 'zstd',
  snappy: 'snappy',
  gzip: 'gzip',
  none: 'uncompressed',
};

/**
 * DuckDB holds a row group in memory. A part of the default 10,000 rows is one group; groups of a
 * large part take 31 MB at 384 floats a row, instead of 190 MB at DuckDB's default of 122,880 rows.
 */
const ROW_GROUP_ROWS = 20_480;

export const parquetWriter: Writer = {
  extension: () => 'parquet',

  async write(engine, request) {
    using results = engine.register(request.results);
    const select = selectPart(request, results.sql);
    const columns = await engine.describe(select);
    const sql = castColumns(
      select,
      columns,
      columns.map((column) => mapType(column.type, parquetType)),
    );
    const options = `FORMAT parquet, COMPRESSION ${CODECS[request.compression]}, ROW_GROUP_SIZE ${ROW_GROUP_ROWS}`;
    // Awaited here: the feed must stay registered until the write is over.
    return await createFile(request.path, () =>
      engine.run(`COPY (${sql}) TO ${quoteLiteral(request.path)} (${options}, USE_TMP_FILE false)`),
    );
  },

  async verify(engine, path) {
    const [row] = await engine.rows(`SELECT num_rows FROM parquet_file_metadata(${quoteFile(path)})`);
    return Number(row?.num_rows);
  },

  async *read(engine, { path, columns }) {
    const list = columns.map(({ name }) => quoteIdentifier(name)).join(', ');
    const sql = `SELECT ${list || 'NULL'} FROM read_parquet(${quoteFile(path)}, hive_partitioning = false)`;
    for await (const batch of engine.stream(sql)) yield* rowsOf(batch);
  },
};

/**
 * Parquet has no integers of 128 bits; DuckDB would write them as DOUBLE and lose digits. And it has no lists of fixed
 * size: DuckDB writes an ARRAY that is null as a list of so many nulls, after which some readers, hyparquet for one,
 * put every later value of the column into the wrong row.
 */
function parquetType(type: DuckDBType): DuckDBType {
  if (type.typeId === DuckDBTypeId.HUGEINT || type.typeId === DuckDBTypeId.UHUGEINT) return VARCHAR;
  return type instanceof DuckDBArrayType ? LIST(type.valueType) : type;
}
