import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { scriptedServer } from '../backends/api/scripted-server.ts';
import { temporaryFolder } from '../temporary.ts';
import { withEmulator } from './emulated.ts';
import { sluice, start } from './sluice.ts';

const rows = 60;

/** Sixty rows; every tenth has a text that the emulator refuses. */
function folderWith(url: string, fields: string, output = ''): string {
  const folder = temporaryFolder();
  const lines = Array.from({ length: rows }, (_, id) =>
    JSON.stringify({ id, text: id % 10 === 9 ? `row ${id} [[poison]]` : `a good row ${id}` }),
  );
  writeFileSync(join(folder, 'rows.jsonl'), `${lines.join('\n')}\n`);
  writeFileSync(
    join(folder, 'job.yaml'),
    `task: text-classification
model: acme/sentiment
source: rows.jsonl
inputs: {text: text}
backend: {url: "${url}", token: "\${TOKEN:-none}"}
output: {path: out, format: jsonl, keep: [id], rows_per_part: 20${output}}
${fields}
`,
  );
  return folder;
}

function written(folder: string): Record<string, unknown>[] {
  return readdirSync(join(folder, 'out'))
    .filter((name) => name.startsWith('part-'))
    .sort()
    .flatMap((name) =>
      readFileSync(join(folder, 'out', name), 'utf8')
        .trim()
        .split('\n'),
    )
    .map((line) => JSON.parse(line));
}

const ledgerOf = async (folder: string) =>
  JSON.parse((await sluice(folder, ['status', 'out', '--json'])).stdout).ledger;

describe('failed rows', () => {
  test.each(['2', '5%'])(
    'more than max_failed_rows (%s): exit 4, and what was answered is kept',
    async (most) => {
      await withEmulator({}, async (emulator) => {
        const folder = folderWith(
          emulator.url,
          `errors: {max_failed_rows: ${most}}\nlimits: {concurrency: 1}`,
        );
        const result = await sluice(folder, ['run', 'job.yaml']);
        expect(result.code).toBe(4);
        expect(result.stderr).toMatch(/failed/);
        const asked = emulator.stats().requests;
        expect(asked).toBeLessThan(rows);
        const more = ['--set', 'errors.max_failed_rows=6'];
        expect(await sluice(folder, ['run', 'job.yaml', ...more])).toMatchObject({ code: 0 });
        expect(emulator.stats().requests).toBe(rows);
      });
    },
  );

  test('on_row_error: drop leaves them out of the output, not out of the ledger', async () => {
    await withEmulator({}, async (emulator) => {
      const folder = folderWith(emulator.url, 'errors: {on_row_error: drop}');
      expect(await sluice(folder, ['run', 'job.yaml'])).toMatchObject({ code: 0 });
      const found = written(folder);
      expect(found.map(({ id }) => id)).toEqual([...Array(rows).keys()].filter((id) => id % 10 !== 9));
      expect(found[0]).not.toHaveProperty('error');
      expect(await ledgerOf(folder)).toMatchObject({ read: rows, succeeded: 54, failed: 6, pending: 0 });
    });
  });

  test('on_row_error: fail stops at the first, which the next run asks again', async () => {
    await withEmulator({}, async (emulator) => {
      const folder = folderWith(emulator.url, 'errors: {on_row_error: fail}\nlimits: {concurrency: 1}');
      const result = await sluice(folder, ['run', 'job.yaml']);
      expect(result.code).toBe(4);
      expect(result.stderr).toMatch(/rows\.jsonl.*row 9|row 9.*rows\.jsonl/s);
      expect(await ledgerOf(folder)).toMatchObject({ failed: 0, pending: rows });
    });
  });
});

describe('a budget', () => {
  test('of requests: exit 75 at it, and the next run goes on with the rest', async () => {
    await withEmulator({}, async (emulator) => {
      const folder = folderWith(emulator.url, 'limits: {max_requests: 25}');
      expect((await sluice(folder, ['run', 'job.yaml'])).code).toBe(75);
      expect(emulator.stats().requests).toBe(25);
      expect((await sluice(folder, ['run', 'job.yaml'])).code).toBe(75);
      expect((await sluice(folder, ['run', 'job.yaml'])).code).toBe(0);
      expect(emulator.stats().requests).toBe(rows);
    });
  });

  test('of time: exit 75 when it is over', async () => {
    await withEmulator({ latencyMs: 200 }, async (emulator) => {
      const folder = folderWith(emulator.url, 'limits: {max_runtime_s: 1, concurrency: 1}');
      expect((await sluice(folder, ['run', 'job.yaml'])).code).toBe(75);
      expect(emulator.stats().requests).toBeLessThan(10);
    });
  });
});

test('an endpoint that is down for give_up_after_s: exit 75, nothing failed, and the next run does it all', async () => {
  await withEmulator({ faults: { 503: 1 } }, async (emulator) => {
    const folder = folderWith(emulator.url, 'retry: {give_up_after_s: 1}');
    const result = await sluice(folder, ['run', 'job.yaml']);
    expect(result.code).toBe(75);
    expect(result.stderr).toMatch(/503/);
    expect(await ledgerOf(folder)).toMatchObject({ failed: 0, pending: rows });
  });
});

test('a model that loads is asked by one request at a time until it is there', async () => {
  await withEmulator({ loadingS: 2 }, async (emulator) => {
    const folder = folderWith(emulator.url, 'limits: {concurrency: 32}');
    expect(await sluice(folder, ['run', 'job.yaml'])).toMatchObject({ code: 0 });
    expect(emulator.stats().whileLoading).toBeLessThanOrEqual(3);
  });
});

test('result columns can be chosen, renamed and prefixed', async () => {
  await withEmulator({}, async (emulator) => {
    const renamed = folderWith(emulator.url, '', ', columns: {label: mood, error: why}');
    expect(await sluice(renamed, ['run', 'job.yaml'])).toMatchObject({ code: 0 });
    expect(Object.keys(written(renamed)[0]!)).toEqual(['id', 'mood', 'why']);
    const prefixed = folderWith(emulator.url, '', ', prefix: sst_');
    expect(await sluice(prefixed, ['run', 'job.yaml'])).toMatchObject({ code: 0 });
    expect(Object.keys(written(prefixed)[0]!)).toEqual([
      'id',
      'sst_label',
      'sst_score',
      'sst_predictions',
      'error',
    ]);
  });
});

test('the token is in no file and no log, also when the server says it in its errors', async () => {
  const token = 'hf_a-token-that-nobody-may-read';
  await using server = await scriptedServer((response, request) => {
    const said = String(request.headers.authorization);
    const status = [400, 500, 429, 200][server.received.length % 4]!;
    response.writeHead(status, { 'content-type': 'application/json', 'x-echo': said });
    response.end(JSON.stringify({ error: `no: ${said}`, warnings: [said, encodeURIComponent(said)] }));
  });
  const folder = folderWith(
    server.url,
    'retry: {max_attempts: 2, base_delay_ms: 1, max_delay_ms: 2, give_up_after_s: 3}',
  );
  const run = start(folder, ['run', 'job.yaml', '--log-format', 'json'], { TOKEN: token });
  const { stderr, stdout } = await run.finished;
  expect(server.received[0]?.headers.authorization).toBe(`Bearer ${token}`);
  expect(stderr + stdout).not.toContain(token);
  const files = readdirSync(join(folder, 'out'), { recursive: true, encoding: 'utf8' });
  expect(files.some((name) => /errors|journal/.test(name))).toBe(true);
  for (const name of files) {
    const path = join(folder, 'out', name);
    if (statSync(path).isFile()) expect(readFileSync(path).includes(token)).toBe(false);
  }
});
