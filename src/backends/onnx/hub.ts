import { request } from 'undici';
import { messageOf, SluiceError } from '../../errors.ts';
import { isObject } from '../../tasks/shapes.ts';
import { belongsTo, companions, type Dtype, dtypeFiles } from './model.ts';

export interface Checksum {
  /** `git`: SHA-1 over `blob`, the size and the content, as Git names its objects. */
  kind: 'sha256' | 'git';
  hex: string;
}

/** A file of a repository on the hub. */
export interface HubFile {
  name: string;
  bytes: number;
  /** What it is checked by beside its size: the SHA-256 of a large file, the Git hash of a small one. */
  checksum?: Checksum;
}

/** A model on the hub, at one commit. */
export interface HubModel {
  id: string;
  commit: string;
  files: HubFile[];
}

export interface Hub {
  /** `https://huggingface.co`, or a mirror. */
  endpoint: string;
  /** Sent to the endpoint's origin only. */
  token?: string;
}

/** The hub that the environment names, as the Hugging Face libraries read it. */
export function hubOf(env: Readonly<Record<string, string | undefined>>): Hub {
  const endpoint = (env.HF_ENDPOINT ?? 'https://huggingface.co').replace(/\/+$/, '');
  return { endpoint, ...(env.HF_TOKEN ? { token: env.HF_TOKEN } : {}) };
}

/** The headers for a request to this address: the token goes to the hub and not to the stores that it redirects to. */
export function hubHeaders(hub: Hub, address: URL): Record<string, string> {
  const own = address.origin === new URL(hub.endpoint).origin;
  return own && hub.token !== undefined ? { authorization: `Bearer ${hub.token}` } : {};
}

/**
 * What a model on the hub consists of.
 * @throws {SluiceError} HUB_UNREACHABLE exit 75, HUB_REFUSED exit 3
 */
export async function hubModel(hub: Hub, id: string, revision: string): Promise<HubModel> {
  const address = new URL(
    `${hub.endpoint}/api/models/${id}/revision/${encodeURIComponent(revision)}?blobs=true`,
  );
  let status: number;
  let body: unknown;
  try {
    const response = await request(address, { headers: hubHeaders(hub, address) });
    status = response.statusCode;
    const text = await response.body.text();
    body = status === 200 ? JSON.parse(text) : text;
  } catch (error) {
    throw unreachable(address, error);
  }
  if (status !== 200 || !isObject(body)) throw refused(id, revision, status);
  const siblings = Array.isArray(body.siblings) ? (body.siblings as unknown[]) : [];
  return { id, commit: String(body.sha), files: siblings.filter(isObject).map(fileOf) };
}

function fileOf(sibling: Record<string, unknown>): HubFile {
  const lfs = isObject(sibling.lfs) ? sibling.lfs : undefined;
  // The Git hash of a large file is that of its pointer.
  const [kind, hex] =
    lfs === undefined ? (['git', sibling.blobId] as const) : (['sha256', lfs.sha256] as const);
  return {
    name: String(sibling.rfilename),
    bytes: Number(lfs?.size ?? sibling.size ?? 0),
    ...(typeof hex === 'string' ? { checksum: { kind, hex } } : {}),
  };
}

/**
 * The files to fetch: the weights in one number format, and the small files around them.
 * @throws {SluiceError} MODEL_FILE when the repository has no such weights
 */
export function filesToPull({ id, files }: HubModel, dtype: Dtype): HubFile[] {
  const weights = dtypeFiles(
    files.map(({ name }) => name).filter((name) => name.endsWith('.onnx')),
    dtype,
  );
  if (weights.length === 0) {
    const there = files.filter(({ name }) => name.endsWith('.onnx')).map(({ name }) => name);
    throw new SluiceError(
      'MODEL_FILE',
      `model ${id}: has no weights in ${dtype}; ${there.length === 0 ? 'it has no .onnx file' : `it has ${there.join(', ')}`}`,
      { next: 'choose another --dtype, or a model that was exported to ONNX' },
    );
  }
  return files.filter(({ name }) => companions.test(name) || weights.some((graph) => belongsTo(graph, name)));
}

export function unreachable(address: URL, error: unknown): SluiceError {
  return new SluiceError('HUB_UNREACHABLE', `hub ${address.origin}: cannot be reached: ${messageOf(error)}`, {
    next: 'try again later: what was fetched is kept',
    exit: 75,
    cause: error,
  });
}

export function refused(id: string, what: string, status: number): SluiceError {
  const next =
    status === 401 || status === 403
      ? 'set HF_TOKEN to a token that may read it, and accept its terms on its page'
      : 'check the name; it is written owner/name';
  return new SluiceError('HUB_REFUSED', `model ${id}: the hub answered ${status} for ${what}`, { next });
}
