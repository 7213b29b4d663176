import { createWriteStream, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { messageOf, SluiceError } from '../errors.ts';

/** A temporary file that is removed when it is disposed of. */
export interface ScratchFile {
  readonly path: string;
  [Symbol.dispose](): void;
}

/** Temporary files of this process, in a folder of their own that is made when the first one is. */
export class Scratch {
  #folder: string | undefined;
  #count = 0;

  /** Writes a small file. */
  file(content: Uint8Array): ScratchFile {
    const path = this.#path();
    try {
      writeFileSync(path, content);
    } catch (error) {
      throw this.#notWritable(error);
    }
    return { path, [Symbol.dispose]: () => rmSync(path, { force: true }) };
  }

  /** Writes a stream to a file, which stays until `close`. The stream's own errors arrive as they are. */
  async spool(stream: AsyncIterable<Uint8Array>): Promise<string> {
    const path = this.#path();
    const output = createWriteStream(path, { flags: 'wx' });
    let failure: unknown;
    output.on('error', (error) => {
      failure ??= error;
    });
    try {
      await pipeline(stream, output);
    } catch (error) {
      rmSync(path, { force: true });
      throw failure === error ? this.#notWritable(error) : error;
    }
    return path;
  }

  /** Removes everything. */
  close(): void {
    if (this.#folder) rmSync(this.#folder, { recursive: true, force: true });
    this.#folder = undefined;
  }

  #path(): string {
    if (!this.#folder || !existsSync(this.#folder)) {
      try {
        this.#folder = mkdtempSync(join(tmpdir(), 'sluice-'));
      } catch (error) {
        throw this.#notWritable(error);
      }
    }
    return join(this.#folder, String(this.#count++));
  }

  #notWritable(error: unknown): SluiceError {
    const folder = this.#folder ?? tmpdir();
    return new SluiceError(
      'SCRATCH_NOT_WRITABLE',
      `temporary file cannot be written: ${folder} (${messageOf(error)})`,
      {
        next: 'Free some space there, or set TMPDIR to a folder with more.',
        cause: error,
      },
    );
  }
}
