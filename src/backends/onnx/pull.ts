import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join, resolve, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { type Dispatcher, request } from 'undici';
import { Exit, SluiceError } from '../../errors.ts';
import { hubCache } from './find-model.ts';
import { type Hub, type HubFile, type HubModel, hubHeaders, refused, unreachable } from './hub.ts';

export interface PullProgress {
  file: string;
  /** Bytes of all files that are there, and that there are to be. */
  done: number;
  total: number;
}

/** Redirects of a file: to the store, and within it. */
const mostRedirects = 5;

/** Where a model is put: its folder in the Hugging Face cache, where the other Hugging Face tools find it too. */
export function cacheFolder(
  { id, commit }: HubModel,
  env: Readonly<Record<string, string | undefined>>,
): string {
  return join(hubCache(env), `models--${id.replaceAll('/', '--')}`, 'snapshots', commit);
}

/** Notes in the cache which commit its `main` is. */
export async function noteRevision(folder: string, revision: string, commit: string): Promise<void> {
  const ref = join(folder, '..', '..', 'refs', revision);
  await mkdir(dirname(ref), { recursive: true });
  await writeFile(ref, commit);
}

/**
 * Fetches files into a folder. A file appears whole and checked or not at all; what was fetched of it before is gone on
 * with. Files that are there are checked, too.
 * @throws {SluiceError} HUB_UNREACHABLE exit 75, HUB_REFUSED, HUB_DAMAGED exit 3
 */
export async function pullFiles(
  hub: Hub,
  model: HubModel,
  files: readonly HubFile[],
  folder: string,
  onProgress: (progress: PullProgress) => void,
): Promise<void> {
  const total = files.reduce((sum, { bytes }) => sum + bytes, 0);
  let before = 0;
  for (const file of files) {
    const path = inside(folder, file.name);
    if ((await wrongWith(file, path)) !== undefined) {
      await mkdir(dirname(path), { recursive: true });
      await pullFile(hub, model, file, path, (bytes) =>
        onProgress({ file: file.name, done: before + bytes, total }),
      );
    }
    before += file.bytes;
    onProgress({ file: file.name, done: before, total });
  }
}

async function pullFile(
  hub: Hub,
  model: HubModel,
  file: HubFile,
  path: string,
  onBytes: (bytes: number) => void,
): Promise<void> {
  const partial = `${path}.incomplete`;
  // Pieces are put together only where a checksum tells whether they are of one file.
  let have = file.checksum === undefined ? 0 : ((await sizeOf(partial)) ?? 0);
  if (have > file.bytes) {
    await rm(partial);
    have = 0;
  }
  if (have < file.bytes || file.bytes === 0) {
    const response = await get(hub, model, file, have);
    // A store that knows no ranges sends the whole file again.
    if (response.statusCode === 200) have = 0;
    response.body.on('data', (chunk: Buffer) => {
      have += chunk.length;
      onBytes(have);
    });
    const flags = have === 0 ? 'w' : 'a';
    await pipeline(response.body, createWriteStream(partial, { flags })).catch((error: unknown) => {
      throw unreachable(new URL(hub.endpoint), error);
    });
    if (have < file.bytes && file.checksum !== undefined) throw endedEarly(hub, file, have);
  }
  await check(model, file, partial);
  await rename(partial, path);
}

async function get(hub: Hub, model: HubModel, file: HubFile, from: number): Promise<Dispatcher.ResponseData> {
  const name = file.name.split('/').map(encodeURIComponent).join('/');
  let address = new URL(`${hub.endpoint}/${model.id}/resolve/${model.commit}/${name}`);
  for (let hop = 0; hop <= mostRedirects; hop++) {
    const headers = { ...hubHeaders(hub, address), ...(from > 0 ? { range: `bytes=${from}-` } : {}) };
    const response = await request(address, { headers }).catch((error: unknown) => {
      throw unreachable(address, error);
    });
    const { location } = response.headers;
    if (response.statusCode === 200 || response.statusCode === 206) return response;
    await response.body.dump();
    if (response.statusCode < 300 || response.statusCode >= 400 || typeof location !== 'string')
      throw refused(model.id, file.name, response.statusCode);
    address = new URL(location, address);
  }
  throw refused(model.id, file.name, 310);
}

function endedEarly({ endpoint }: Hub, { name, bytes }: HubFile, have: number): SluiceError {
  const { origin } = new URL(endpoint);
  return new SluiceError('HUB_UNREACHABLE', `hub ${origin}: ${name} ended after ${have} of ${bytes} bytes`, {
    next: 'pull again: what was fetched is kept',
    exit: Exit.later,
  });
}

async function check({ id }: HubModel, file: HubFile, path: string): Promise<void> {
  const wrong = await wrongWith(file, path);
  if (wrong === undefined) return;
  await rm(path, { force: true });
  throw new SluiceError('HUB_DAMAGED', `model ${id}: ${file.name} ${wrong}`, { next: 'pull it again' });
}

/** What of a file is not as the hub says; undefined where all is. */
async function wrongWith({ bytes, checksum }: HubFile, path: string): Promise<string | undefined> {
  const size = await sizeOf(path);
  if (size !== bytes) return `has ${size ?? 'no'} bytes instead of ${bytes}`;
  if (checksum === undefined) return undefined;
  const isSha256 = checksum.kind === 'sha256';
  const hash = isSha256 ? createHash('sha256') : createHash('sha1').update(`blob ${bytes}\0`);
  await pipeline(createReadStream(path), hash);
  if (hash.digest('hex') === checksum.hex) return undefined;
  return `has another ${isSha256 ? 'SHA-256' : 'Git hash'} than the hub says`;
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** A name from the hub must not lead out of the folder. */
function inside(folder: string, name: string): string {
  const path = resolve(folder, name);
  if (path.startsWith(resolve(folder) + sep)) return path;
  throw new SluiceError('HUB_DAMAGED', `a file named ${name} would be written outside of ${folder}`);
}
