import { Exit, SluiceError } from '../errors.ts';
import type { Listing, Storage, StoredFile } from '../storage/storage.ts';
import { foldersOf } from './files.ts';
import type { SourceFile, SourceFormat } from './format.ts';
import { formatByName, knownExtensions } from './formats.ts';
import { partitionsOf } from './partitions.ts';

/**
 * The data files of paths, globs and folders: each once, sorted by path, all of one format.
 * @throws {SluiceError} `SOURCE_NOT_FOUND`, `SOURCE_NOT_READABLE`, `SOURCE_FORMAT`, `SOURCE_MIXED_FORMATS`, `SOURCE_URL`
 */
export async function findFiles(
  storage: Storage,
  paths: readonly string[],
  format: SourceFormat | undefined,
): Promise<SourceFile[]> {
  if (format === 'files') return foldersOf(await filesOf(storage, paths));
  const files = new Map<string, SourceFile>();
  for (const path of paths) {
    refuseUrl(path);
    const listing = await storage.list(path);
    for (const file of dataFiles(path, listing, format)) files.set(file.path, file);
  }
  const sorted = [...files.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
  refuseMix(sorted);
  return sorted;
}

/** The files of all paths, each once. */
async function filesOf(storage: Storage, paths: readonly string[]): Promise<StoredFile[]> {
  const files = new Map<string, StoredFile>();
  for (const path of paths) {
    refuseUrl(path);
    for (const file of (await storage.list(path)).files) files.set(file.path, file);
  }
  return [...files.values()];
}

function refuseUrl(path: string): void {
  if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(path)) return;
  throw new SluiceError('SOURCE_URL', `source.path is a URL: ${path}`, {
    next: 'Download the files and name the folder that they are in.',
    exit: Exit.usage,
  });
}

/** Of a listing, the files that are data. Others (a README) are passed over, unless the user named them outright. */
function dataFiles(path: string, listing: Listing, format: SourceFormat | undefined): SourceFile[] {
  const data = listing.files.flatMap((file) => {
    const own = format ?? formatByName(file.path);
    return own ? [sourceFile(file, own)] : [];
  });
  // A README.txt beside tables is none of the data; a folder of texts alone is.
  const tables = data.filter((file) => file.format !== 'text');
  if (format === undefined && tables.length > 0) return tables;
  if (data.length > 0) return data;
  const some = listing.files.slice(0, 3).map((file) => file.path);
  const what =
    listing.kind === 'file' ? 'source has a format that its name does not tell' : 'source has no data files';
  const found = listing.kind === 'file' ? path : `${path} (there are ${some.join(', ')})`;
  throw new SluiceError('SOURCE_FORMAT', `${what}: ${found}`, {
    next: `Set source.format, or name files that end in ${knownExtensions}.`,
  });
}

function sourceFile({ path, size, modifiedMs }: StoredFile, format: SourceFormat): SourceFile {
  return { path, size, modifiedMs, format, partitions: partitionsOf(path) };
}

function refuseMix(files: readonly SourceFile[]): void {
  const examples = new Map<SourceFormat, { count: number; path: string }>();
  for (const { format, path } of files) {
    const seen = examples.get(format);
    examples.set(format, { count: (seen?.count ?? 0) + 1, path: seen?.path ?? path });
  }
  if (examples.size <= 1) return;
  const list = [...examples].map(([format, { count, path }]) => `${count} ${format} (${path})`);
  throw new SluiceError('SOURCE_MIXED_FORMATS', `source has files of several formats: ${list.join(', ')}`, {
    next: 'Name those of one format, for example with a glob such as data/**/*.parquet.',
  });
}
