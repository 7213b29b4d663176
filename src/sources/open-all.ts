import { emptyReader } from './empty-reader.ts';
import type { FileReader, FormatContext, SourceFile } from './format.ts';
import { formats } from './formats.ts';
import { empty, prepare } from './open-file.ts';

/** Files that are looked into at the same time. */
const CONCURRENCY = 4;

/** Opens every file; the readers by path. Text files with nothing in them have no rows, if others have. */
export async function openAll(
  files: readonly SourceFile[],
  context: FormatContext,
): Promise<Map<string, FileReader>> {
  const readers = new Map<string, FileReader>();
  const failures = new Map<SourceFile, unknown>();
  const queue = files.values();
  const work = async () => {
    for (const file of queue) {
      if (failures.size > 0) return;
      try {
        readers.set(file.path, await openOne(file, context));
      } catch (error) {
        failures.set(file, error);
      }
    }
  };
  // All come to an end before an error leaves here, because the caller then removes their temporary files.
  await Promise.all(Array.from({ length: CONCURRENCY }, work));
  const failed = files.find((file) => failures.has(file));
  if (failed) throw failures.get(failed);
  const [first] = files;
  if (first && files.every(({ path }) => readers.get(path) === emptyReader)) throw empty(first);
  return readers;
}

async function openOne(file: SourceFile, context: FormatContext): Promise<FileReader> {
  const isText = file.members === undefined && file.format !== 'parquet' && file.format !== 'arrow';
  if (isText && file.size === 0) return emptyReader;
  const open = await prepare(file, context);
  // Packed, there are bytes where there is no text.
  if (isText && open.size === 0) return emptyReader;
  return formats[file.format].open(open, context);
}
