import type { Engine } from '../duckdb/engine.ts';
import type { Column } from '../duckdb/types.ts';
import { SluiceError } from '../errors.ts';
import { settled, sqlType, widened } from './types.ts';

/** The columns that one file has. */
export interface FileColumns {
  path: string;
  columns: readonly Column[];
}

/**
 * The columns of all files together, by name; names that differ by case alone are one. A type is widened until it
 * holds the values of each file.
 * @throws {SluiceError} `SOURCE_COLUMN_NAME`, `SOURCE_COLUMN_CLASH`, `SOURCE_SCHEMA_MIX`
 */
export async function combinedColumns(engine: Engine, files: readonly FileColumns[]): Promise<Column[]> {
  const combined = new Map<string, Column & { path: string }>();
  for (const { path, columns } of files) {
    checkNames(path, columns);
    for (const { name, type } of columns) {
      const key = name.toLowerCase();
      const known = combined.get(key);
      const both = known ? await widened(known.type, type, widerBy(engine)) : type;
      if (!both) throw mixedTypes(known!, { name, type, path });
      combined.set(key, { name: known?.name ?? name, type: both, path: known?.path ?? path });
    }
  }
  return [...combined.values()].map(({ name, type }) => ({ name, type: settled(type) }));
}

/** Names of the relation's own columns. */
const RESERVED = new Set(['__row', '__error']);

/** @throws {SluiceError} `SOURCE_COLUMN_NAME`, `SOURCE_COLUMN_CLASH` */
export function checkNames(path: string, columns: readonly Pick<Column, 'name'>[]): void {
  const seen = new Map<string, string>();
  for (const { name } of columns) {
    const key = name.toLowerCase();
    const other = seen.get(key);
    if (other !== undefined) {
      throw new SluiceError(
        'SOURCE_COLUMN_CLASH',
        `source has two columns of one name: ${path} (${other}, ${name})`,
        {
          next: 'Names that differ by upper and lower case alone are the same; rename one of them.',
        },
      );
    }
    seen.set(key, name);
    if (RESERVED.has(key) || name === '' || name.includes('\0')) {
      throw new SluiceError(
        'SOURCE_COLUMN_NAME',
        `source column cannot have this name: ${JSON.stringify(name)} (${path})`,
        {
          next: 'Rename it: __row and __error are taken, and a name needs at least one sign and no zero byte.',
        },
      );
    }
  }
}

function widerBy(engine: Engine) {
  return async (a: Column['type'], b: Column['type']) => {
    const [column] = await engine.describe(
      `SELECT NULL::${sqlType(a)} AS x UNION ALL SELECT NULL::${sqlType(b)}`,
    );
    return column!.type;
  };
}

function mixedTypes(a: Column & { path: string }, b: Column & { path: string }): SluiceError {
  const types = `${sqlType(a.type)} in ${a.path}, ${sqlType(b.type)} in ${b.path}`;
  return new SluiceError(
    'SOURCE_SCHEMA_MIX',
    `source column has types that do not go together: ${a.name} (${types})`,
    {
      next: 'Read the files with two jobs, or write one kind of them again with the type of the other.',
    },
  );
}
