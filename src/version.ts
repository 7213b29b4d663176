import { readFileSync } from 'node:fs';

/** package.json lies one folder above both `src/` and `dist/`. */
const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
  dependencies: Readonly<Record<string, string>>;
};

export const { version } = manifest;

/** The version of DuckDB's native part that this version was tested with. */
export const duckdbVersion = manifest.dependencies['@duckdb/node-bindings'];
