import { type Dirent, promises as fs, type Stats } from 'node:fs';
import { posix } from 'node:path';
import { SluiceError } from '../errors.ts';
import { isMissing, notReadable } from './failures.ts';
import { expandBraces, isGlob, isHidden, type Segment, segmentsOf } from './glob.ts';
import { nearest } from '../nearest.ts';
import type { Listing, StoredFile } from './storage.ts';

/** `Storage.list` for the local disk. */
export async function listLocal(pattern: string): Promise<Listing> {
  const path = posix.normalize(pattern);
  const found = new Found();
  const exact = pattern === '' ? undefined : await statOf(path);
  let kind: Listing['kind'] = 'file';
  if (exact?.isDirectory()) {
    kind = 'directory';
    await found.addFolder(path.replace(/(.)\/$/, '$1'));
  } else if (exact) {
    found.addFile(path, exact);
  } else if (isGlob(pattern)) {
    kind = 'glob';
    // Braces may contain slashes, so they are expanded before the levels are told apart.
    for (const single of expandBraces(path)) await found.addMatches(single);
  }
  if (found.isEmpty) throw await notFound(pattern, kind);
  return { kind, files: found.sorted() };
}

/** Files found so far, by path. */
class Found {
  readonly #files = new Map<string, StoredFile>();
  /** Folders taken whole, by real path: a link to one of them would give its rows twice, or loop. */
  readonly #folders = new Set<string>();

  get isEmpty(): boolean {
    return this.#files.size === 0;
  }

  sorted(): StoredFile[] {
    return [...this.#files.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
  }

  addFile(path: string, { size, mtimeMs }: Stats): void {
    this.#files.set(path, { path, size, modifiedMs: Math.floor(mtimeMs) });
  }

  /** Everything below a folder that is not hidden. */
  async addFolder(path: string): Promise<void> {
    if (!(await isNew(path, this.#folders))) return;
    for (const name of await namesIn(path)) {
      if (!isHidden(name)) await this.#addAny(join(path, name));
    }
  }

  async addMatches(pattern: string): Promise<void> {
    const isAbsolute = pattern.startsWith('/');
    await this.#match(isAbsolute ? '/' : '', segmentsOf(isAbsolute ? pattern.slice(1) : pattern));
  }

  async #match(folder: string, [segment, ...rest]: readonly Segment[]): Promise<void> {
    if (!segment) return this.#addAny(folder);
    if ('literal' in segment) return this.#match(join(folder, segment.literal), rest);
    if ('anyDepth' in segment) return this.#matchBelow(folder, rest, new Set());
    for (const name of await namesIn(folder)) {
      if (segment.matches(name)) await this.#match(join(folder, name), rest);
    }
  }

  /** The rest of a pattern after `**`, at this folder and at every one below it. */
  async #matchBelow(folder: string, rest: readonly Segment[], visited: Set<string>): Promise<void> {
    if (!(await isNew(folder, visited))) return;
    await this.#match(folder, rest);
    for (const name of await namesIn(folder)) {
      const path = join(folder, name);
      if (!isHidden(name) && (await statOf(path))?.isDirectory()) await this.#matchBelow(path, rest, visited);
    }
  }

  async #addAny(path: string): Promise<void> {
    const stats = await statOf(path);
    if (stats?.isDirectory()) await this.addFolder(path);
    else if (stats?.isFile()) this.addFile(path, stats);
  }
}

/** Whether a folder is not in the set yet; then it is. */
async function isNew(folder: string, seen: Set<string>): Promise<boolean> {
  const real = await realPath(folder);
  if (seen.has(real)) return false;
  seen.add(real);
  return true;
}

async function realPath(folder: string): Promise<string> {
  try {
    return await fs.realpath(folder === '' ? '.' : folder);
  } catch (error) {
    if (isMissing(error)) return folder;
    throw notReadable(folder, error);
  }
}

function join(folder: string, name: string): string {
  return folder === '' || folder.endsWith('/') ? folder + name : `${folder}/${name}`;
}

async function statOf(path: string): Promise<Stats | undefined> {
  try {
    return await fs.stat(path);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    // ELOOP, ENAMETOOLONG: a text that cannot be a file's name may still be a glob.
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ELOOP' || code === 'ENAMETOOLONG')
      return undefined;
    throw notReadable(path, error);
  }
}

/** The names in a folder; none when it is not a folder. */
async function namesIn(folder: string): Promise<string[]> {
  let entries: Dirent[];
  try {
    entries = await fs.readdir(folder === '' ? '.' : folder, { withFileTypes: true });
  } catch (error) {
    if (isMissing(error)) return [];
    throw notReadable(folder, error);
  }
  return entries.map((entry) => entry.name).sort();
}

async function notFound(pattern: string, kind: Listing['kind']): Promise<SluiceError> {
  if (kind === 'directory') {
    return new SluiceError('SOURCE_NOT_FOUND', `source folder has no files: ${pattern}`, {
      next: 'Names that begin with "." or "_" do not count; name such a file outright if you mean it.',
    });
  }
  const what = kind === 'glob' ? 'source pattern matches nothing' : 'source does not exist';
  return new SluiceError('SOURCE_NOT_FOUND', `${what}: ${pattern || '""'}`, { next: await advice(pattern) });
}

/** Follows a pattern as far as it exists and says what is there instead of the first level that is not. */
async function advice(pattern: string): Promise<string> {
  const levels = posix.normalize(pattern).split('/');
  let folder = levels[0] === '' ? '/' : '';
  for (const level of levels.filter((text) => text !== '')) {
    const next = join(folder, level);
    if (await statOf(next)) {
      folder = next;
      continue;
    }
    const where = folder === '' ? `the working directory, ${process.cwd()},` : folder;
    const names = (await namesIn(folder)).filter((name) => !isHidden(name));
    const close = isGlob(level) ? undefined : nearest(level, names);
    if (close) return `Did you mean ${join(folder, close)}?`;
    if (names.length === 0) return `${where} is empty.`;
    const some = names.slice(0, 3).join(', ');
    return `${where} has ${some}${names.length > 3 ? ` and ${names.length - 3} more` : ''}.`;
  }
  return 'Name a file, a folder, or a glob such as data/*.parquet.';
}
