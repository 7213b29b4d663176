import { createHash } from 'node:crypto';
import { posix } from 'node:path';
import { BIGINT, BLOB, TIMESTAMPTZ, VARCHAR } from '@duckdb/node-api';
import type duckdb from '@duckdb/node-bindings';
import { CHUNK_BYTES, type Feed, type FeedScan } from '../duckdb/feed.ts';
import { quoteIdentifier } from '../duckdb/quote.ts';
import type { Column } from '../duckdb/types.ts';
import { messageOf } from '../errors.ts';
import { MAX_NAMED_BYTES } from '../storage/named-file.ts';
import type { StoredFile } from '../storage/storage.ts';
import { ChunkFiller } from './fill.ts';
import type { FileReader, Format, FormatContext, Relation, RowRange, SourceFile } from './format.ts';
import { openUnchanged } from './open-file.ts';
import { partitionsOf } from './partitions.ts';

/**
 * Each file is a row. The "source file" is then a folder, so that a part holds many of them: its rows are the files in
 * it that were asked for, by name.
 */
export const files: Format = {
  name: 'files',
  open: async ({ members = [] }, context) => new FolderReader(members, context),
};

/** The folders that files are in, as source files. */
export function foldersOf(found: readonly StoredFile[]): SourceFile[] {
  const folders = new Map<string, StoredFile[]>();
  for (const file of found) {
    // A star for all names, so that the folder of the path is the folder of the files.
    const path = posix.join(posix.dirname(file.path), '*');
    const members = folders.get(path);
    if (members === undefined) folders.set(path, [file]);
    else members.push(file);
  }
  return [...folders]
    .sort(([a], [b]) => byText(a, b))
    .map(([path, members]) => ({
      path,
      size: members.reduce((sum, { size }) => sum + size, 0),
      modifiedMs: members.reduce((latest, { modifiedMs }) => Math.max(latest, modifiedMs), 0),
      format: 'files',
      partitions: partitionsOf(path),
      members: members.sort((a, b) => byText(a.path, b.path)),
    }));
}

function byText(a: string, b: string): number {
  return a < b ? -1 : 1;
}

/**
 * Puts a folder's files into the order that they had for an earlier run, and those that came since after them: one
 * that comes later is a row at the end and changes no other.
 * @param names of the files then, in order
 */
export function arrange(members: StoredFile[], names: readonly string[]): void {
  const places = new Map(names.map((name, place) => [name, place]));
  const placeOf = ({ path }: StoredFile) => places.get(posix.basename(path)) ?? names.length;
  members.sort((a, b) => placeOf(a) - placeOf(b) || byText(a.path, b.path));
}

/** Names of a folder's files, in the order of its rows. */
export function namesOf(members: readonly StoredFile[]): string[] {
  return members.map(({ path }) => posix.basename(path));
}

/** Tells the rows of a folder from others: also a file renamed, which changes neither sizes nor times. */
export function folderVersion(members: readonly StoredFile[]): string {
  const hash = createHash('sha256');
  for (const { path, size, modifiedMs } of members) hash.update(`${path}\0${size}\0${modifiedMs}\0`);
  return hash.digest('hex').slice(0, 16);
}

const COLUMNS: readonly Column[] = [
  { name: 'path', type: VARCHAR },
  { name: 'name', type: VARCHAR },
  { name: 'size', type: BIGINT },
  { name: 'modified', type: TIMESTAMPTZ },
  { name: 'content', type: BLOB },
];

class FolderReader implements FileReader {
  readonly columns = COLUMNS;
  readonly #members: readonly StoredFile[];
  readonly #context: FormatContext;

  constructor(members: readonly StoredFile[], context: FormatContext) {
    this.#members = members;
    this.#context = context;
  }

  async facts() {
    return { rows: this.#members.length, marks: [] };
  }

  relation(range: RowRange, columns: readonly Column[]): Relation {
    const feed = this.#context.engine.register(new FolderFeed(this.#members, this.#context, range));
    const values = columns.map(({ name }) => {
      const identifier = quoteIdentifier(name);
      return name === 'modified' ? `, make_timestamptz(modified * 1000) AS ${identifier}` : `, ${identifier}`;
    });
    return {
      sql: `SELECT __row, __error${values.join('')} FROM ${feed.sql}`,
      [Symbol.dispose]: () => feed[Symbol.dispose](),
    };
  }
}

const ROW = 0;
const ERROR = 1;
const PATH = 2;
const NAME = 3;
const SIZE = 4;
const MODIFIED = 5;
const CONTENT = 6;

/** A range of a folder's files. Their bytes are read only where `content` is wanted, a chunk's worth at a time. */
class FolderFeed implements Feed {
  readonly columns = [
    { name: '__row', type: BIGINT },
    { name: '__error', type: VARCHAR },
    { name: 'path', type: VARCHAR },
    { name: 'name', type: VARCHAR },
    { name: 'size', type: BIGINT },
    { name: 'modified', type: BIGINT },
    { name: 'content', type: BLOB },
  ];
  readonly #members: readonly StoredFile[];
  readonly #context: FormatContext;
  readonly #range: RowRange;

  constructor(members: readonly StoredFile[], context: FormatContext, range: RowRange) {
    this.#members = members;
    this.#context = context;
    this.#range = range;
  }

  open(projected: readonly number[]): FeedScan {
    const { start, rows } = this.#range;
    const end = Math.min(start + rows, this.#members.length);
    let row = start;
    const next = (vectors: readonly duckdb.Vector[], capacity: number): number => {
      const chunk = new ChunkFiller(vectors, projected, capacity);
      let [count, bytes] = [0, 0];
      while (count < capacity && bytes < CHUNK_BYTES && row < end) {
        const member = this.#members[row]!;
        const content = chunk.wants(CONTENT) ? this.#contentOf(member) : undefined;
        const error = typeof content === 'string' ? content : undefined;
        const body = typeof content === 'string' ? undefined : content;
        chunk.number(ROW, count, row);
        chunk.text(ERROR, count, error === undefined ? undefined : Buffer.from(error));
        chunk.text(PATH, count, Buffer.from(member.path));
        chunk.text(NAME, count, Buffer.from(posix.basename(member.path)));
        chunk.number(SIZE, count, member.size);
        chunk.number(MODIFIED, count, member.modifiedMs);
        chunk.text(CONTENT, count, body);
        bytes += body?.length ?? 0;
        row++;
        count++;
      }
      chunk.finish();
      return count;
    };
    return { next };
  }

  /** A file's bytes, or why there are none: one bad file among many is its row's error. */
  #contentOf({ path, size }: StoredFile): Uint8Array | string {
    if (size > MAX_NAMED_BYTES) return `${path}: ${size} bytes; more than ${MAX_NAMED_BYTES} are not read`;
    try {
      const bytes = openUnchanged({ path, local: path, size }, this.#context);
      try {
        const content = Buffer.allocUnsafe(size);
        return bytes.read(content, 0) === size ? content : `${path}: it became shorter while it was read`;
      } finally {
        bytes.close();
      }
    } catch (error) {
      return messageOf(error);
    }
  }
}
