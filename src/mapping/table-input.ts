import { csvTable } from './csv-table.ts';
import { MappingError } from './mapping-error.ts';
import { type MediaReader, namedBytes } from './named-bytes.ts';
import { parseJson } from './text-input.ts';

/**
 * A table as the API takes it, columns of texts: of a struct or map of lists, or of JSON.
 * @throws {MappingError} where the columns are not lists, or not equally long
 */
export function tableOf(value: unknown): Record<string, string[]> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new MappingError('is not a table: wanted {"column": ["cell", …], …}');
  }
  // Where rows have tables of different columns, a struct has all of them, and null for those of the other rows.
  const columns = Object.entries(value).filter(([, cells]) => cells !== null && cells !== undefined);
  if (columns.length === 0) throw new MappingError('is a table without columns');
  let first: { name: string; cells: unknown[] } | undefined;
  for (const [name, cells] of columns) {
    if (!Array.isArray(cells)) throw new MappingError(`column "${name}" of the table is not a list`);
    first ??= { name, cells };
    if (cells.length !== first.cells.length) {
      const lengths = `"${first.name}" has ${first.cells.length} cells, "${name}" has ${cells.length}`;
      throw new MappingError(`has columns of different lengths: ${lengths}`);
    }
  }
  return Object.fromEntries(columns.map(([name, cells]) => [name, (cells as unknown[]).map(cellText)]));
}

/**
 * The table that a text means: the path of a CSV or TSV file, which its extension tells, or else JSON.
 * @param sourceFile path of the file that the row is of
 * @throws {MappingError}, or rejects with it
 */
export function tableIn(
  text: string,
  sourceFile: string,
  reader: MediaReader,
): Record<string, string[]> | Promise<Record<string, string[]>> {
  const extension = /\.([ct]sv)$/i.exec(text)?.[1]?.toLowerCase();
  if (extension === undefined) return tableOf(parseJson(text));
  return namedBytes(text, sourceFile, reader).then((bytes) =>
    csvTable(bytes, extension === 'tsv' ? '\t' : ',', text),
  );
}

function cellText(cell: unknown): string {
  if (cell === null || cell === undefined) return '';
  return typeof cell === 'object' ? JSON.stringify(cell) : String(cell);
}
