import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { findModel } from '../../../src/backends/onnx/find-model.ts';
import { filesToPull, type Hub, hubModel } from '../../../src/backends/onnx/hub.ts';
import { cacheFolder, noteRevision, pullFiles } from '../../../src/backends/onnx/pull.ts';
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
    response.writeHead(from > 0 ? 206 : 200).end(send('onnx/model_quantized.onnx').subarray(from));
  });
  const endpoint = await listen((request, response) => {
    if (request.url!.startsWith('/api/models/acme/small/revision/main')) {
      const siblings = Object.entries(files).map(([rfilename, content]) => ({
        rfilename,
        size: content.length,
        ...(content === weights
          ? { lfs: { size: content.length, sha256: createHash('sha256').update(content).digest('hex') } }
          : {}),
      }));
      response.end(JSON.stringify({ sha: 'c0ffee', siblings }));
    } else if (request.url!.endsWith('quantized.onnx')) {
      response.writeHead(302, { location: `${store}/blob` }).end();
    } else {
      const content = files[request.url!.replace('/acme/small/resolve/c0ffee/', '')];
      if (content === undefined) response.writeHead(404).end();
      else response.end(content);
    }
  });
  return { hub: { endpoint, token: 'hf_secret' }, seen };
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
    const { hub } = await hubServer(() => Buffer.from('WEIGHTS '.repeat(1000)));
    const folder = temporaryFolder();
    const model = await hubModel(hub, 'acme/small', 'main');
    await expect(
      pullFiles(hub, model, filesToPull(model, 'q8'), folder, () => undefined),
    ).rejects.toMatchObject({ code: 'HUB_DAMAGED', message: expect.stringContaining('SHA-256') });
    expect(existsSync(join(folder, 'onnx/model_quantized.onnx'))).toBe(false);
    expect(existsSync(join(folder, 'onnx/model_quantized.onnx.incomplete'))).toBe(false);
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
});
