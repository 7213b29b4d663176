import type { FileReader, FormatContext, SourceFile } from './format.ts';
import { formats } from './formats.ts';
import { prepare } from './open-file.ts';

/** Files that are looked into at the same time. */
const CONCURRENCY = 4;

/** Opens every file; the readers by path. Text files without a byte have no rows, if others have. */
export async function openAll(
  files: readonly SourceFile[],
  context: FormatContext,
): Promise<Map<string, FileReader>> {
  const readers = new Map<string, FileReader>();
  const failures = new Map<SourceFile, unknown>();
  const mustHaveRows = files.every((file) => file.size === 0);
  const queue = files.values();
  const work = async () => {
    for (const file of queue) {
      if (failures.size > 0) return;
      try {
        readers.set(file.path, await openOne(file, context, mustHaveRows));
      } catch (error) {
        failures.set(file, error);
      }
    }
  };
  // All come to an end before an error leaves here, because the caller then removes their temporary files.
  await Promise.all(Array.from({ length: CONCURRENCY }, work));
  const failed = files.find((file) => failures.has(file));
  if (failed) throw failures.get(failed);
  return readers;
}

async function openOne(file: SourceFile, context: FormatContext, mustHaveRows: boolean): Promise<FileReader> {
  const isText = file.members === undefined && file.format !== 'parquet' && file.format !== 'arrow';
  // What Spark writes for a part without rows.
  if (isText && file.size === 0 && !mustHaveRows) return emptyReader;
  return formats[file.format].open(await prepare(file, context), context);
}

const emptyReader: FileReader = {
  columns: [],
  facts: async () => ({ rows: 0, marks: [] }),
  relation: () => ({
    sql: 'SELECT NULL::BIGINT AS __row, NULL::VARCHAR AS __error WHERE false',
    [Symbol.dispose]() {
      // Nothing is held.
    },
  }),
};
