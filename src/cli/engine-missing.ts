import { messageOf, SluiceError } from '../errors.ts';
import { duckdbVersion } from '../version.ts';

/**
 * DuckDB's native part is an optional package of its own package, one for each platform: an install that leaves
 * optional packages out (`npm install --omit=optional`) leaves it out, too, and nothing can be read.
 * @returns the error in words for a user; undefined where it is another one
 */
export function engineMissing(error: unknown): SluiceError | undefined {
  const [, name] = /Cannot find module '(@duckdb\/node-bindings-[\w-]+)/.exec(messageOf(error)) ?? [];
  if (name === undefined) return undefined;
  return new SluiceError('DUCKDB_NOT_INSTALLED', `DuckDB's native part is not installed: ${name}`, {
    next: `npm install ${name}@${duckdbVersion}; an install with --omit=optional leaves it out`,
    cause: error,
  });
}
