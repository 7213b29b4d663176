import { lstat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { SluiceError } from '../errors.ts';

/**
 * A run writes, replaces and removes inside the directory that the job names, and nowhere else. So nothing on the way
 * from that directory to these paths may be a symbolic link; the directory itself may.
 * @throws {SluiceError} OUTPUT_LINK, exit 3
 */
export async function refuseLinks(root: string, paths: Iterable<string>): Promise<void> {
  const looked = new Set<string>();
  for (const path of paths) {
    let at = root;
    for (const name of relative(root, path).split(sep)) {
      if (name === '') continue;
      at = join(at, name);
      if (looked.has(at)) continue;
      looked.add(at);
      // What is not there will be made; what cannot be looked at cannot be written to either, and that is told then.
      const found = await lstat(at).catch(() => undefined);
      if (found === undefined) break;
      if (found.isSymbolicLink()) throw linked(at);
    }
  }
}

function linked(path: string): SluiceError {
  return new SluiceError(
    'OUTPUT_LINK',
    `output ${path}: is a symbolic link, and would lead out of the output`,
    {
      next: 'put what it leads to in its place, or choose another output.path, which itself may be a link',
    },
  );
}
