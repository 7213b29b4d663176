import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The folder of this package, where package.json lies, whether this file runs from `src/` or from a bundle in `dist/`. */
export const packageFolder = above(import.meta.dirname);

function above(folder: string): string {
  return existsSync(join(folder, 'package.json')) ? folder : above(dirname(folder));
}
