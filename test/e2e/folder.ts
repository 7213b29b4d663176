import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** SHA-256 of every part below a folder's `out`, by name. */
export function partsOf(folder: string): Record<string, string> {
  const out = join(folder, 'out');
  const names = readdirSync(out, { recursive: true, encoding: 'utf8' }).filter((name) =>
    /(^|\/)part-\d+\./.test(name),
  );
  return Object.fromEntries(names.sort().map((name) => [name, sha256(join(out, name))]));
}

/** The dead letters of a run, in the order of shards and rows. */
export function lettersOf(folder: string): Record<string, unknown>[] {
  const errors = join(folder, 'out/_sluice/errors');
  return readdirSync(errors)
    .sort()
    .flatMap((name) => readFileSync(join(errors, name), 'utf8').split('\n'))
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}

function sha256(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}
