/** A file that is there. */
export interface StoredFile {
  /** `/`-separated; relative to the working directory where the user named it so. */
  path: string;
  /** Bytes. */
  size: number;
  /** Last change, whole milliseconds since 1970. */
  modifiedMs: number;
}

/** What a path or pattern of the user's led to. */
export interface Listing {
  /** How the text was read. Names that are no data are passed over in folders and globs, but not when named outright. */
  kind: 'file' | 'directory' | 'glob';
  /** Sorted by path, each once, at least one. */
  files: StoredFile[];
}

/** An open file. Reads are synchronous, because DuckDB pulls rows synchronously. */
export interface StoredBytes {
  readonly size: number;
  /** Reads bytes from `position` on into the target; returns how many, fewer than asked only at the file's end. */
  read(target: Uint8Array, position: number): number;
  close(): void;
}

/** Where files are. The one seam through which sources are read and parts published. */
export interface Storage {
  /**
   * The files of a path: a file, a folder (everything below it), or a glob (`*`, `?`, `[a-z]`, `{a,b}`, `**`).
   * A path that exists as it is written is never read as a glob. Names that begin with `.` or `_` are passed over
   * in folders and by wildcards, as Hive and Spark do, unless the pattern begins so too.
   * @throws {SluiceError} `SOURCE_NOT_FOUND` when there is nothing; `SOURCE_NOT_READABLE` when it may not be read
   */
  list(pattern: string): Promise<Listing>;
  /** Undefined when there is no such file. */
  stat(path: string): Promise<StoredFile | undefined>;
  /** @throws {SluiceError} `SOURCE_NOT_READABLE` */
  open(path: string): StoredBytes;
  /**
   * Writes a small file so that it is there whole or not at all, also after a power cut; makes its folder.
   * @throws {SluiceError} `OUTPUT_NOT_WRITABLE`
   */
  writeAtomic(path: string, bytes: Uint8Array | string): Promise<void>;
  /**
   * Gives a finished temporary file of the same folder its name, durably: its bytes are on the disk before the name
   * is, and the name before this resolves. Replaces what had the name.
   * @throws {SluiceError} `OUTPUT_NOT_WRITABLE`
   */
  publish(temporary: string, path: string): Promise<void>;
}
