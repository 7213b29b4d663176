import { type MediaReader, MappingError } from '../mapping/mapping.ts';
import { readNamedFile } from '../storage/named-file.ts';
import { fetchNamedUrl } from '../storage/named-url.ts';
import { NotReachable } from '../storage/not-reachable.ts';

/** Files and URLs that rows name, read from the disk and the network. */
export const namedMedia: MediaReader = {
  readFile: (path, folder) => rowFault(readNamedFile(path, [folder, '.'])),
  fetchUrl: (url) => rowFault(fetchNamedUrl(url)),
};

/** What cannot be reached fails its row; a disk that breaks is no row's fault. */
async function rowFault<T>(reading: Promise<T>): Promise<T> {
  try {
    return await reading;
  } catch (error) {
    throw error instanceof NotReachable ? new MappingError(error.message) : error;
  }
}
