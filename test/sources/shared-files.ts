import { existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** The data that are shared by developers, where they are: real inputs, sound and damaged. */
export const sharedData = resolve(process.env.SLUICE_SHARED ?? '../shared', 'data');

/** Name (below `sharedData`) and path of the files in a folder of it; none where it is not there. */
export function filesIn(folder: string, pattern: RegExp): [name: string, path: string][] {
  if (!existsSync(join(sharedData, folder))) return [];
  return readdirSync(join(sharedData, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && pattern.test(entry.name))
    .map((entry): [string, string] => {
      const path = join(entry.parentPath, entry.name);
      return [path.slice(sharedData.length + 1), path];
    })
    .sort();
}
