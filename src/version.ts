import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageFolder } from './package-folder.ts';

const manifest = JSON.parse(readFileSync(join(packageFolder, 'package.json'), 'utf8')) as {
  version: string;
  dependencies: Readonly<Record<string, string>>;
};

export const { version } = manifest;

/** The version of DuckDB's native part that this version was tested with. */
export const duckdbVersion = manifest.dependencies['@duckdb/node-bindings'];
