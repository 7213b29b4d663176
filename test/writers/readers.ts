import { readFile } from 'node:fs/promises';
import { gunzipSync } from 'node:zlib';
import { tableFromIPC } from 'apache-arrow';
import { parquetReadObjects } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { readParquet } from 'parquet-wasm';
import { rowsOf } from '../../src/arrow/rows.ts';

export type Row = Record<string, unknown>;

/**
 * Readers that share no code with what wrote the file: each gives plain rows, 64-bit integers as bigint. `columns`:
 * hyparquet reads only these, because there are types that it refuses.
 */
export const foreignReaders: Record<
  'hyparquet' | 'arrow-rs' | 'arrow-js' | 'JSON.parse',
  (path: string, columns?: string[]) => Promise<Row[]>
> = {
  async hyparquet(path, columns) {
    const bytes = await readFile(path);
    const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;
    const options = { file, compressors, utf8: false, ...(columns && { columns }) };
    return (await parquetReadObjects(options)).map((row) => plain(row) as Row);
  },
  async 'arrow-rs'(path) {
    return rowsOfIpc(readParquet(await readFile(path)).intoIPCStream());
  },
  async 'arrow-js'(path) {
    return rowsOfIpc(await readFile(path));
  },
  async 'JSON.parse'(path) {
    const bytes = await readFile(path);
    const text = (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8');
    return text
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Row);
  },
};

function rowsOfIpc(bytes: Uint8Array): Row[] {
  return tableFromIPC(bytes).batches.flatMap((batch) => [...rowsOf(batch)].map((row) => plain(row) as Row));
}

/** Without the types of the reader: any view as an array, undefined as null. */
function plain(value: unknown): unknown {
  if (value === undefined || value === null) return null;
  if (value instanceof Uint8Array) return Uint8Array.from(value);
  if (ArrayBuffer.isView(value)) return Array.from(value as Float32Array);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value === 'object' && !(value instanceof Date)) {
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, plain(item)]));
  }
  return value;
}
