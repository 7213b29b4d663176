import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { type FetchBounds, fetchNamedUrl } from '../../src/storage/named-url.ts';
import { type Script, scriptedServer } from '../backends/api/scripted-server.ts';

const noDelays: Partial<FetchBounds> = { delaysMs: [0, 0] };

/** What a URL of a server with this script gives: its bytes as text, or why there are none; and the requests. */
async function fetched(script: Script, path = '/a.png', bounds = noDelays) {
  await using server = await scriptedServer(script);
  const outcome = await fetchNamedUrl(server.url + path, bounds).then(
    (bytes) => Buffer.from(bytes).toString(),
    (error: Error) => `${error.name}: ${error.message.replaceAll(server.url, '')}`,
  );
  return { outcome, received: server.received };
}

describe('a URL that a row names', () => {
  test('gives its bytes, unpacked and after redirects', async () => {
    const { outcome, received } = await fetched((response, { url }) => {
      if (url === '/a.png') response.writeHead(302, { location: '/b.png' }).end();
      else response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('a cat'));
    });
    expect(outcome).toBe('a cat');
    expect(received.map(({ url }) => url)).toEqual(['/a.png', '/b.png']);
  });

  test('is asked without any credentials', async () => {
    const { received } = await fetched((response) => response.end('x'));
    expect(received[0]?.headers).not.toHaveProperty('authorization');
    expect(received[0]?.headers).not.toHaveProperty('cookie');
  });

  test('is asked again where that may help, three times in all', async () => {
    let count = 0;
    const recovering = await fetched((response) => response.writeHead(++count < 3 ? 503 : 200).end('a cat'));
    expect(recovering.outcome).toBe('a cat');
    const down = await fetched((response) => response.writeHead(503).end());
    expect(down.outcome).toBe('NotReachable: could not be fetched (503 Service Unavailable): /a.png');
    expect(down.received).toHaveLength(3);
    const reset = await fetched((_, __, socket) => socket.destroy());
    expect(reset.outcome).toMatch(/^NotReachable: could not be fetched \(.*\): \/a\.png$/);
    expect(reset.received).toHaveLength(3);
  });

  test('that is not there is asked once; what may be secret in it is not shown', async () => {
    const { outcome, received } = await fetched(
      (response) => response.writeHead(404).end(),
      '/a.png?signature=secret',
    );
    expect(outcome).toBe('NotReachable: could not be fetched (404 Not Found): /a.png?…');
    expect(received).toHaveLength(1);
  });

  test('that never ends is cut off at the bound, by bytes and by time', async () => {
    const endless = await fetched(
      (response) => {
        response.on('error', () => undefined);
        const more = () => {
          if (!response.destroyed) response.write(Buffer.alloc(1000), () => setImmediate(more));
        };
        more();
      },
      '/a.png',
      { ...noDelays, maxBytes: 10_000 },
    );
    expect(endless.outcome).toBe('NotReachable: could not be fetched (more than 10000 bytes): /a.png');
    const silent = await fetched(() => undefined, '/a.png', { ...noDelays, timeoutMs: 50 });
    expect(silent.outcome).toBe('NotReachable: could not be fetched within 0.05 s: /a.png');
  });

  test('that grows when unpacked is counted as it grows', async () => {
    const { outcome } = await fetched(
      (response) =>
        response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(Buffer.alloc(1_000_000))),
      '/a.png',
      { ...noDelays, maxBytes: 10_000 },
    );
    expect(outcome).toContain('more than 10000 bytes');
  });

  test.each([
    ['http://user:password@127.0.0.1:1/a.png', 'it has a user name or password in it'],
    ['http://', 'not a URL'],
  ])('%s is refused', async (url, reason) => {
    await expect(fetchNamedUrl(url, noDelays)).rejects.toThrow(`could not be fetched (${reason})`);
  });
});
