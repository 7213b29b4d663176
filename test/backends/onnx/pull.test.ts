import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { findModel } from '../../../src/backends/onnx/find-model.ts';
import { filesToPull, type Hub, hubModel } from '../../../src/backends/onnx/hub.ts';
import { cacheFolder, noteRevision, pullFiles } from '../../../src/backends/onnx/pull.ts';
import { sluice } from '../../e2e/sluice.ts';
import { temporaryFolder } from '../../temporary.ts';

const weights = Buffer.from('weights '.repeat(1000));
const files: Record<string, Buffer> = {
  'config.json': Buffer.from('{"architectures": ["BertModel"]}'),
  'tokenizer.json': Buffer.from('{}'),
  '1_Pooling/config.json': Buffer.from('{}'),
  'README.md': Buffer.from('# no'),
  'pytorch_model.bin': Buffer.from('no'),
  'onnx/model.onnx': Buffer.from('fp32'),
  'onnx/model_quantized.onnx': weights,
  'onnx/model_fp16.onnx': Buffer.from('fp16'),
};

interface Seen {
  host: string;
  url: string;
  authorization: string | undefined;
  range: string | undefined;
}

/** A hub whose large file lies in a store on another origin, as it does in truth. */
async function hubServer(
  send: (file: string) => Buffer = (file) => files[file]!,
  /** Where the store ends: after so many bytes its connection breaks, once `when` has come, or all seems well. */
  cut: () => { after: number; when: (() => Promise<void>) | 'well' | 'well, length said' } | undefined = () =>
    undefined,
): Promise<{ hub: Hub; seen: Seen[] }> {
  const seen: Seen[] = [];
  const listen = async (answer: (request: IncomingMessage, response: ServerResponse) => void) => {
    const server = createServer((request, response) => {
      const { host = '', authorization, range } = request.headers;
      seen.push({ host, url: request.url!, authorization, range });
      answer(request, response);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  };
  const store = await listen((request, response) => {
    const from = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
    const rest = send('onnx/model_quantized.onnx').subarray(from);
    const { after, when } = cut() ?? { after: rest.length, when: 'well, length said' };
    const sent = rest.subarray(0, after);
    const length = when === 'well' ? undefined : when === 'well, length said' ? sent.length : rest.length;
    response.writeHead(from > 0 ? 206 : 200, length === undefined ? {} : { 'content-length': length });
    if (typeof when === 'string') response.end(sent);
    else {
      response.write(sent);
      void when().finally(() => response.destroy());
    }
  });
  const endpoint = await listen((request, response) => {
    if (request.url!.startsWith('/api/models/acme/small/revision/main')) {
      const siblings = Object.entries(files).map(([rfilename, content]) => ({
        rfilename,
        size: content.length,
        // That of a large file is the one of its pointer.
        blobId: gitHash(
          content === weights ? Buffer.from('version https://git-lfs.github.com/spec/v1') : content,
        ),
        ...(content === weights
          ? { lfs: { size: content.length, sha256: createHash('sha256').update(content).digest('hex') } }
          : {}),
      }));
      response.end(JSON.stringify({ sha: 'c0ffee', siblings }));
    } else if (request.url!.endsWith('quantized.onnx')) {
      response.writeHead(302, { location: `${store}/blob` }).end();
    } else {
      const name = request.url!.replace('/acme/small/resolve/c0ffee/', '');
      if (files[name] === undefined) response.writeHead(404).end();
      else response.end(send(name));
    }
  });
  return { hub: { endpoint, token: 'hf_secret' }, seen };
}

/** The id that `git hash-object` gives a file. */
function gitHash(content: Buffer): string {
  return createHash('sha1').update(`blob ${content.length}\0`).update(content).digest('hex');
}

describe('models pull', () => {
  test('fetches weights in one format and the small files around them, into the Hugging Face cache', async () => {
    const { hub, seen } = await hubServer();
    const env = { HF_HUB_CACHE: temporaryFolder() };
    const model = await hubModel(hub, 'acme/small', 'main');
    const wanted = filesToPull(model, 'q8');
    expect(wanted.map(({ name }) => name)).toEqual([
      'config.json',
      'tokenizer.json',
      '1_Pooling/config.json',
      'onnx/model_quantized.onnx',
    ]);
    const folder = cacheFolder(model, env);
    const progress: number[] = [];
    await pullFiles(hub, model, wanted, folder, ({ done }) => progress.push(done));
    await noteRevision(folder, 'main', model.commit);
    expect(readFileSync(join(folder, 'onnx/model_quantized.onnx')).equals(weights)).toBe(true);
    expect(findModel('acme/small', undefined, env)).toBe(folder);
    expect(progress.at(-1)).toBe(wanted.reduce((sum, { bytes }) => sum + bytes, 0));
    const requests = seen.length;
    await pullFiles(hub, model, wanted, folder, () => undefined);
    expect(seen.length).toBe(requests);
  });

  test('sends the token to the hub and not to the store', async () => {
    const { hub, seen } = await hubServer();
    const model = await hubModel(hub, 'acme/small', 'main');
    await pullFiles(hub, model, filesToPull(model, 'q8'), temporaryFolder(), () => undefined);
    const { host } = new URL(hub.endpoint);
    const others = seen.filter((request) => request.host !== host);
    expect(others.length).toBeGreaterThan(0);
    expect(others.map(({ authorization }) => authorization)).toEqual([undefined]);
    expect(
      seen
        .filter((request) => request.host === host)
        .every(({ authorization }) => authorization === 'Bearer hf_secret'),
    ).toBe(true);
  });

  test('goes on where an earlier pull was cut off', async () => {
    const { hub, seen } = await hubServer();
    const folder = temporaryFolder();
    mkdirSync(join(folder, 'onnx'));
    writeFileSync(join(folder, 'onnx/model_quantized.onnx.incomplete'), weights.subarray(0, 3000));
    const model = await hubModel(hub, 'acme/small', 'main');
    await pullFiles(hub, model, filesToPull(model, 'q8'), folder, () => undefined);
    expect(seen.find(({ url }) => url === '/blob')?.range).toBe('bytes=3000-');
    expect(readFileSync(join(folder, 'onnx/model_quantized.onnx')).equals(weights)).toBe(true);
  });

  test('refuses a file that is not what the hub says, and leaves nothing of it', async () => {
    const { hub } = await hubServer((name) =>
      name.endsWith('.onnx') ? Buffer.from('WEIGHTS '.repeat(1000)) : files[name]!,
    );
    const folder = temporaryFolder();
    const model = await hubModel(hub, 'acme/small', 'main');
    await expect(
      pullFiles(hub, model, filesToPull(model, 'q8'), folder, () => undefined),
    ).rejects.toMatchObject({ code: 'HUB_DAMAGED', message: expect.stringContaining('SHA-256') });
    expect(existsSync(join(folder, 'onnx/model_quantized.onnx'))).toBe(false);
    expect(existsSync(join(folder, 'onnx/model_quantized.onnx.incomplete'))).toBe(false);
  });

  test('refuses a small file that is not what the hub says: it has a Git hash', async () => {
    const { hub } = await hubServer((name) =>
      name === 'config.json' ? Buffer.from(files[name]!).fill('x', 3, 4) : files[name]!,
    );
    const folder = temporaryFolder();
    const model = await hubModel(hub, 'acme/small', 'main');
    await expect(
      pullFiles(hub, model, filesToPull(model, 'q8'), folder, () => undefined),
    ).rejects.toMatchObject({
      code: 'HUB_DAMAGED',
      message: 'model acme/small: config.json has another Git hash than the hub says',
    });
    expect(readdirSync(folder)).toEqual([]);
  });

  test('a file that is there with the right size and another content is fetched again', async () => {
    const { hub, seen } = await hubServer();
    const folder = temporaryFolder();
    const model = await hubModel(hub, 'acme/small', 'main');
    const pull = () => pullFiles(hub, model, filesToPull(model, 'q8'), folder, () => undefined);
    await pull();
    const path = join(folder, 'onnx/model_quantized.onnx');
    writeFileSync(path, Buffer.from(weights).fill(0, 4000, 4100));
    writeFileSync(join(folder, 'config.json'), Buffer.from(files['config.json']!).fill('x', 3, 4));
    const before = seen.length;
    await pull();
    expect(readFileSync(path).equals(weights)).toBe(true);
    expect(readFileSync(join(folder, 'config.json')).equals(files['config.json']!)).toBe(true);
    expect(seen.slice(before).map(({ url }) => url)).toEqual([
      '/acme/small/resolve/c0ffee/config.json',
      '/acme/small/resolve/c0ffee/onnx/model_quantized.onnx',
      '/blob',
    ]);
  });

  test('a download that is cut off is something for later, and the next pull goes on where it was cut', async () => {
    const folder = temporaryFolder();
    const partial = join(folder, 'onnx/model_quantized.onnx.incomplete');
    let cuts = 1;
    const written = () => vi.waitFor(() => expect(statSync(partial).size).toBe(3000), 10_000);
    const { hub, seen } = await hubServer(undefined, () =>
      cuts-- > 0 ? { after: 3000, when: written } : undefined,
    );
    const model = await hubModel(hub, 'acme/small', 'main');
    const pull = () => pullFiles(hub, model, filesToPull(model, 'q8'), folder, () => undefined);
    await expect(pull()).rejects.toMatchObject({ code: 'HUB_UNREACHABLE', exit: 75 });
    expect(existsSync(join(folder, 'onnx/model_quantized.onnx'))).toBe(false);
    await pull();
    expect(seen.filter(({ url }) => url === '/blob').map(({ range }) => range)).toEqual([
      undefined,
      'bytes=3000-',
    ]);
    expect(readFileSync(join(folder, 'onnx/model_quantized.onnx')).equals(weights)).toBe(true);
  });

  test.each(['well', 'well, length said'] as const)(
    'a download that ends too soon, but %s, is gone on with, too',
    async (when) => {
      const folder = temporaryFolder();
      let cuts = 1;
      const { hub, seen } = await hubServer(undefined, () =>
        cuts-- > 0 ? { after: 3000, when } : undefined,
      );
      const model = await hubModel(hub, 'acme/small', 'main');
      const pull = () => pullFiles(hub, model, filesToPull(model, 'q8'), folder, () => undefined);
      await expect(pull()).rejects.toMatchObject({
        code: 'HUB_UNREACHABLE',
        message: expect.stringContaining('onnx/model_quantized.onnx ended after 3000 of 8000 bytes'),
        exit: 75,
      });
      await pull();
      expect(seen.filter(({ url }) => url === '/blob').map(({ range }) => range)).toEqual([
        undefined,
        'bytes=3000-',
      ]);
      expect(readFileSync(join(folder, 'onnx/model_quantized.onnx')).equals(weights)).toBe(true);
    },
  );

  test('what nobody can check is not put together of pieces', async () => {
    const { hub, seen } = await hubServer((name) => files[name]!.subarray(0, 5));
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'config.json.incomplete'), files['config.json']!.subarray(0, 20));
    const model = { id: 'acme/small', commit: 'c0ffee', files: [] };
    const file = { name: 'config.json', bytes: files['config.json']!.length };
    await expect(pullFiles(hub, model, [file], folder, () => undefined)).rejects.toMatchObject({
      code: 'HUB_DAMAGED',
      message: expect.stringContaining('has 5 bytes instead of 32'),
    });
    expect(seen.map(({ range }) => range)).toEqual([undefined]);
    expect(readdirSync(folder)).toEqual([]);
  });

  test('what was fetched of another revision is not gone on with', async () => {
    const { hub, seen } = await hubServer();
    const env = { HF_HUB_CACHE: temporaryFolder() };
    const model = await hubModel(hub, 'acme/small', 'main');
    const older = cacheFolder({ ...model, commit: '01d' }, env);
    mkdirSync(join(older, 'onnx'), { recursive: true });
    writeFileSync(join(older, 'onnx/model_quantized.onnx.incomplete'), 'of another revision');
    await pullFiles(hub, model, filesToPull(model, 'q8'), cacheFolder(model, env), () => undefined);
    expect(seen.find(({ url }) => url === '/blob')?.range).toBeUndefined();
  });

  test('a file that would be written outside of the folder is refused', async () => {
    const { hub } = await hubServer();
    const model = { id: 'acme/small', commit: 'c0ffee', files: [] };
    await expect(
      pullFiles(hub, model, [{ name: '../evil', bytes: 1 }], temporaryFolder(), () => undefined),
    ).rejects.toMatchObject({ code: 'HUB_DAMAGED' });
  });

  test('says what to do about a model that is not there, and one without weights in the format', async () => {
    const { hub } = await hubServer();
    await expect(hubModel(hub, 'acme/none', 'main')).rejects.toMatchObject({ code: 'HUB_REFUSED', exit: 3 });
    const model = await hubModel(hub, 'acme/small', 'main');
    expect(() => filesToPull(model, 'q4')).toThrow(/has no weights in q4; it has onnx\/model\.onnx/);
    expect(filesToPull(model, 'auto').map(({ name }) => name)).toContain('onnx/model.onnx');
  });

  test('a hub that cannot be reached is something for later', async () => {
    await expect(hubModel({ endpoint: 'http://127.0.0.1:1' }, 'a/b', 'main')).rejects.toMatchObject({
      code: 'HUB_UNREACHABLE',
      exit: 75,
    });
  });

  test('offline nobody is asked, also not with a token; online the same command fetches', async () => {
    const { hub, seen } = await hubServer();
    const folder = temporaryFolder();
    const env = { HF_ENDPOINT: hub.endpoint, HF_HUB_CACHE: join(folder, 'hub'), HF_TOKEN: 'hf_secret' };
    const pull = (more: Record<string, string>) =>
      sluice(folder, ['models', 'pull', 'acme/small', '--dtype', 'q8'], { ...env, ...more });
    expect(await pull({ HF_HUB_OFFLINE: '1' })).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('HF_HUB_OFFLINE is set'),
    });
    expect(seen).toEqual([]);
    expect(await pull({ HF_HUB_OFFLINE: '0' })).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('acme/small: 4 files'),
    });
  });
});
