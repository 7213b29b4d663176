import { rowsOf } from '../arrow/rows.ts';
import type { Engine } from '../duckdb/engine.ts';
import { quoteIdentifier, quoteFile, quoteLiteral } from '../duckdb/quote.ts';
import { messageOf } from '../errors.ts';
import { createFile } from './file.ts';
import { fromJson, jsonValue } from './json-values.ts';
import { selectPart } from './select.ts';
import type { Compression, Writer } from './writer.ts';

const EXTENSIONS: Partial<Record<Compression, string>> = { gzip: 'jsonl.gz', zstd: 'jsonl.zst' };

/** JSON Lines: an object a line, with every column, in the words of `json-values.ts`. DuckDB refuses snappy. */
export const jsonlWriter: Writer = {
  extension: (compression) => EXTENSIONS[compression] ?? 'jsonl',

  async write(engine, request) {
    using results = engine.register(request.results);
    const select = selectPart(request, results.sql);
    const columns = await engine.describe(select);
    const list = columns.map(({ name, type }) => {
      const quoted = quoteIdentifier(name);
      return `${jsonValue(quoted, type)} AS ${quoted}`;
    });
    const sql = `SELECT ${list.join(', ')} FROM (${select})`;
    const options = `FORMAT json, COMPRESSION ${codecOf(request.compression)}, USE_TMP_FILE false`;
    // Awaited here: the feed must stay registered until the write is over.
    return await createFile(request.path, () =>
      engine.run(`COPY (${sql}) TO ${quoteLiteral(request.path)} (${options})`),
    );
  },

  async verify(engine, path, compression) {
    try {
      return await countLines(engine, path, compression, LINE_BYTES);
    } catch (error) {
      if (!messageOf(error).includes('maximum_object_size')) throw error;
      return countLines(engine, path, compression, LONG_LINE_BYTES);
    }
  },

  async *read(engine, { path, compression, columns }) {
    const lines = `SELECT json::VARCHAR AS line FROM ${objects(path, compression, LONG_LINE_BYTES)}`;
    for await (const batch of engine.stream(lines)) {
      for (const { line } of rowsOf(batch)) {
        const row: Record<string, unknown> = JSON.parse(String(line));
        yield Object.fromEntries(columns.map(({ name, type }) => [name, fromJson(row[name], type)]));
      }
    }
  },
};

/** DuckDB's own limit for a line. It sets aside twice the limit, so the higher one is for those who need it: masks. */
const LINE_BYTES = 16 * 1024 ** 2;
const LONG_LINE_BYTES = 256 * 1024 ** 2;

/** Lines, each of them parsed. */
async function countLines(
  engine: Engine,
  path: string,
  compression: Compression,
  limit: number,
): Promise<number> {
  const [row] = await engine.rows(`SELECT count(*) AS rows FROM ${objects(path, compression, limit)}`);
  return Number(row?.rows);
}

function objects(path: string, compression: Compression, limit: number): string {
  const file = `${quoteFile(path)}, format = 'newline_delimited', compression = '${codecOf(compression)}'`;
  return `read_json_objects(${file}, maximum_object_size = ${limit})`;
}

function codecOf(compression: Compression): string {
  return compression === 'none' ? 'uncompressed' : compression;
}
