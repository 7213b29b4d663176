import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';

/** A folder that is gone when the test is. */
export function temporaryFolder(): string {
  const folder = openFolder();
  onTestFinished(() => folder[Symbol.dispose]());
  return folder.path;
}

/** A folder that is removed when it is disposed of. */
export interface TemporaryFolder {
  readonly path: string;
  /** Writes a file below the folder and returns its path. */
  write(name: string, content: string | Uint8Array): string;
  [Symbol.dispose](): void;
}

/** A folder for longer than a test, or for a hook. */
export function openFolder(): TemporaryFolder {
  const path = mkdtempSync(join(tmpdir(), 'sluice-test-'));
  return {
    path,
    write(name, content) {
      const file = join(path, name);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, content);
      return file;
    },
    [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }),
  };
}
