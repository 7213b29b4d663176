import fs, { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { dirname, join, relative } from 'node:path';

/** What is below a folder: the bytes of files by path, undefined for folders. Parents come before their children. */
export type DiskState = Map<string, Buffer | undefined>;

class FileNode {
  /** What is on the disk for certain, and what a reader sees now. */
  synced: Buffer = Buffer.alloc(0);
  now: Buffer = Buffer.alloc(0);
}

type Node = FileNode | FolderNode;
type Change = (names: Map<string, Node>) => void;

class FolderNode {
  readonly synced = new Map<string, Node>();
  /** Names that came, went or moved since the folder was synced. A power cut keeps any number of them, in order. */
  changes: Change[] = [];

  names(changes = this.changes.length): Map<string, Node> {
    const names = new Map(this.synced);
    for (const change of this.changes.slice(0, changes)) change(names);
    return names;
  }

  sync(changes: number): void {
    for (const change of this.changes.slice(0, changes)) change(this.synced);
    this.changes = this.changes.slice(changes);
  }
}

/** Locks: no process outlives a power cut, and what it leaves of them means nothing. */
const isOfProcess = /^_sluice\/(lock|guard)/;

/** What a power cut makes of bytes that were written and not synced. */
const fates = {
  lost: ({ synced }: FileNode) => synced,
  kept: ({ now }: FileNode) => now,
  torn: (file: FileNode) => file.now.subarray(0, (keptLength(file) + file.now.length) >> 1),
  // The length is there, the bytes are not: what ext4 and XFS are known for.
  zeros: (file: FileNode) =>
    Buffer.alloc(file.now.length).fill(file.now.subarray(0, keptLength(file)), 0, keptLength(file)),
} as const;

const keptLength = ({ synced, now }: FileNode): number =>
  now.subarray(0, synced.length).equals(synced) ? synced.length : 0;

/**
 * Watches what this process does to the files below a folder, and knows what a power cut could leave of it.
 *
 * The model is harsher than file systems are: bytes of a file are certain when it was synced, and names in a folder
 * when the folder was. Files that DuckDB writes by itself come into view when they are synced.
 */
export class WatchedDisk {
  readonly #root: string;
  readonly #tree = new FolderNode();
  readonly #onChange: () => void;

  private constructor(root: string, onChange: () => void) {
    this.#root = root;
    this.#onChange = onChange;
    this.#load('', this.#tree);
  }

  /** @param onChange called after each change, with the disk as it is then */
  static async during(
    root: string,
    onChange: (disk: WatchedDisk) => void,
    work: () => Promise<void>,
  ): Promise<void> {
    const disk = new WatchedDisk(root, () => onChange(disk));
    const restore = disk.#watch();
    try {
      await work();
    } finally {
      restore();
    }
  }

  /** What is safe at this moment however the power goes, apart from names: all of them are there. */
  certain(): DiskState {
    return this.#state(() => undefined, fates.lost);
  }

  /** What a power cut at this moment could leave. */
  *afterPowerCut(): Generator<DiskState> {
    const folders = [...this.#folders(this.#tree)].filter(({ changes }) => changes.length > 0);
    const choices: ((folder: FolderNode) => number | undefined)[] = [() => 0, () => undefined];
    for (const one of folders) {
      choices.push((folder) => (folder === one ? undefined : 0));
      for (let count = 0; count < one.changes.length; count++)
        choices.push((folder) => (folder === one ? count : undefined));
    }
    for (const choice of choices) for (const fate of Object.values(fates)) yield this.#state(choice, fate);
  }

  #state(changes: (folder: FolderNode) => number | undefined, fate: (file: FileNode) => Buffer): DiskState {
    const state: DiskState = new Map();
    const add = (folder: FolderNode, path: string) => {
      for (const [name, node] of folder.names(changes(folder))) {
        const below = path === '' ? name : `${path}/${name}`;
        state.set(below, node instanceof FileNode ? Buffer.from(fate(node)) : undefined);
        if (node instanceof FolderNode) add(node, below);
      }
    };
    add(this.#tree, '');
    return state;
  }

  *#folders(folder: FolderNode): Generator<FolderNode> {
    yield folder;
    for (const node of folder.names().values()) if (node instanceof FolderNode) yield* this.#folders(node);
  }

  /** What is there from the start counts as synced. */
  #load(path: string, folder: FolderNode): void {
    for (const entry of fs.readdirSync(join(this.#root, path), { withFileTypes: true })) {
      const below = join(path, entry.name);
      const node = entry.isDirectory() ? new FolderNode() : new FileNode();
      folder.synced.set(entry.name, node);
      if (node instanceof FolderNode) this.#load(below, node);
      else node.synced = node.now = readFileSync(join(this.#root, below));
    }
  }

  /** Undefined for what is not below the root. */
  #below(path: unknown): string | undefined {
    const below = relative(this.#root, String(path));
    return below.startsWith('..') || isOfProcess.test(below) ? undefined : below;
  }

  #find(below: string): Node | undefined {
    let node: Node | undefined = this.#tree;
    for (const name of below.split('/').filter((name) => name !== ''))
      node = node instanceof FolderNode ? node.names().get(name) : undefined;
    return node;
  }

  #parent(below: string): { folder: FolderNode; name: string } {
    const folder = this.#find(dirname(below) === '.' ? '' : dirname(below));
    if (!(folder instanceof FolderNode)) throw new Error(`no such folder: ${below}`);
    return { folder, name: below.slice(below.lastIndexOf('/') + 1) };
  }

  #add(below: string, node: Node): void {
    const { folder, name } = this.#parent(below);
    folder.changes.push((names) => names.set(name, node));
  }

  #remove(below: string): void {
    if (this.#find(below) === undefined) return;
    const { folder, name } = this.#parent(below);
    folder.changes.push((names) => names.delete(name));
  }

  #move(from: string, to: string): void {
    const node = this.#find(from) ?? this.#seen(from);
    const [source, target] = [this.#parent(from), this.#parent(to)];
    if (source.folder !== target.folder) {
      this.#add(to, node);
      this.#remove(from);
      return;
    }
    source.folder.changes.push((names) => {
      names.delete(source.name);
      names.set(target.name, node);
    });
  }

  /** A file as it is on the disk now; one that is new has only just got its name. */
  #seen(below: string): FileNode {
    const known = this.#find(below);
    const file = known instanceof FileNode ? known : new FileNode();
    file.now = readFileSync(join(this.#root, below));
    if (known === undefined) this.#add(below, file);
    return file;
  }

  #made(below: string): void {
    const steps = below.split('/');
    for (let i = 1; i <= steps.length; i++) {
      const path = steps.slice(0, i).join('/');
      if (path !== '' && this.#find(path) === undefined) this.#add(path, new FolderNode());
    }
  }

  /** Takes the place of what `node:fs/promises` does. @returns what puts it back */
  #watch(): () => void {
    const real = { ...fs.promises };
    const changed = (below: string | undefined, change: (below: string) => void) => {
      if (below === undefined) return;
      change(below);
      this.#onChange();
    };
    const watched: Partial<typeof fs.promises> = {
      open: async (path, ...rest) => {
        const handle = await real.open(path, ...rest);
        const below = this.#below(path);
        if (below === undefined) return handle;
        const isFile = statSync(String(path)).isFile();
        if (isFile && this.#find(below) === undefined) changed(below, () => this.#seen(below));
        for (const write of ['write', 'writeFile', 'appendFile', 'truncate'] as const) {
          const original = handle[write].bind(handle) as (...args: unknown[]) => Promise<unknown>;
          Object.assign(handle, {
            [write]: async (...args: unknown[]) => {
              const done = await original(...args);
              changed(below, () => this.#seen(below));
              return done;
            },
          });
        }
        for (const sync of ['sync', 'datasync'] as const) {
          const original = handle[sync].bind(handle);
          handle[sync] = async () => {
            const node = isFile ? this.#seen(below) : this.#find(below);
            const [bytes, changes] = [node instanceof FileNode ? node.now : undefined, pending(node)];
            await original();
            changed(below, () => {
              if (node instanceof FileNode) node.synced = bytes!;
              else (node as FolderNode).sync(changes);
            });
          };
        }
        return handle;
      },
      mkdir: (async (path: string, options: object) => {
        const done = await real.mkdir(path, options);
        changed(this.#below(path), (below) => this.#made(below));
        return done;
      }) as typeof fs.promises.mkdir,
      writeFile: async (path, ...rest) => {
        await real.writeFile(path, ...rest);
        changed(this.#below(path), (below) => this.#seen(below));
      },
      rm: async (path, options) => {
        await real.rm(path, options);
        changed(this.#below(path), (below) => this.#remove(below));
      },
      rename: async (from, to) => {
        await real.rename(from, to);
        changed(this.#below(to), (below) => this.#move(this.#below(from)!, below));
      },
      link: async (from, to) => {
        await real.link(from, to);
        changed(this.#below(to), (below) => this.#add(below, this.#find(this.#below(from)!)!));
      },
    };
    Object.assign(fs.promises, watched);
    syncBuiltinESMExports();
    return () => {
      Object.assign(fs.promises, real);
      syncBuiltinESMExports();
    };
  }
}

const pending = (node: Node | undefined): number => (node instanceof FolderNode ? node.changes.length : 0);

/** Puts a state in the place of what is in a folder. */
export function putState(root: string, state: DiskState): void {
  if (existsSync(root)) rmSync(root, { recursive: true });
  mkdirSync(root);
  for (const [path, bytes] of state) {
    if (bytes === undefined) mkdirSync(join(root, path));
    else writeFileSync(join(root, path), bytes);
  }
}
