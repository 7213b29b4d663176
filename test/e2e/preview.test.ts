import { readdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { temporaryFolder } from '../temporary.ts';
import { withEmulator } from './emulated.ts';
import { sluice } from './sluice.ts';

const fixtures = resolve(import.meta.dirname, '../../fixtures');

function folderWith(lines: readonly string[], job: string): string {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'rows.jsonl'), `${lines.join('\n')}\n`);
  writeFileSync(join(folder, 'job.yaml'), job);
  return folder;
}

const sentiment = (url: string, more = '') => `task: text-classification
model: acme/sentiment
source: {path: rows.jsonl${more}}
inputs: {text: "I say: {{ text }}"}
backend: {url: "${url}"}
retry: {base_delay_ms: 1, max_delay_ms: 5, max_attempts: 3, give_up_after_s: 0.5}
output: {path: out}
`;

const rows = Array.from({ length: 50 }, (_, i) => `{"id":${i},"text":"text number ${i}"}`);

describe('preview', () => {
  test('asks the first rows alone, shows what they were mapped to and the results, and writes nothing', async () => {
    await withEmulator({}, async (emulator) => {
      const folder = folderWith(rows, sentiment(emulator.url));
      const { code, stdout } = await sluice(folder, ['preview', 'job.yaml', '-n', '3']);
      expect(code).toBe(0);
      expect(emulator.stats().requests).toBe(3);
      expect(stdout).toMatch(/row +text +→ label +→ score +→ predictions/);
      expect(stdout).toMatch(/ 2 +I say: text number 2 +(POSITIVE|NEGATIVE) +0\.\d+/);
      expect(stdout).not.toContain('text number 3');
      expect(readdirSync(folder).sort()).toEqual(['job.yaml', 'rows.jsonl']);
    });
  });

  test('goes past what where refuses and stays within the limit', async () => {
    await withEmulator({}, async (emulator) => {
      const folder = folderWith(rows, sentiment(emulator.url, ', where: "id % 10 = 7", limit: 30'));
      const { stdout } = await sluice(folder, ['preview', 'job.yaml']);
      expect([...stdout.matchAll(/text number (\d+)/g)].map((match) => match[1])).toEqual(['7', '17', '27']);
    });
  });

  test('rows that cannot be read, mapped or answered are shown with their errors', async () => {
    await withEmulator({}, async (emulator) => {
      const torn = ['{"text":"fine"}', '{"text":', '{"text":"a [[poison]]"}'];
      const folder = folderWith(torn, sentiment(emulator.url));
      const { code, stdout } = await sluice(folder, ['preview', 'job.yaml']);
      expect(code).toBe(0);
      expect(stdout).toMatch(/read bad_row: line 2/);
      expect(stdout).toMatch(/call rejected: 400/);
      const strict = ['preview', 'job.yaml', '--set', 'errors.max_failed_rows=0'];
      expect(await sluice(folder, strict)).toMatchObject({ code: 4 });
    });
  });

  test('an image is told by type and size', async () => {
    await withEmulator({}, async (emulator) => {
      const folder = folderWith(
        [],
        `task: object-detection
model: a/b
source: {path: ${join(fixtures, 'examples/images')}, format: files}
inputs: {image: content}
backend: {url: "${emulator.url}"}
output: {path: out}
`,
      );
      const { code, stdout } = await sluice(folder, ['preview', 'job.yaml', '-n', '1']);
      expect(code).toBe(0);
      expect(stdout).toMatch(/<image\/png, \d+ B>/);
    });
  });

  test('a token that is refused exits 3 with what to do; a server that is down exits 75', async () => {
    await withEmulator({ token: 'secret' }, async (emulator) => {
      const folder = folderWith(rows, sentiment(emulator.url));
      const { code, stdout, stderr } = await sluice(folder, ['preview', 'job.yaml']);
      expect(code).toBe(3);
      expect(stderr).toMatch(/401/);
      expect(stdout).toMatch(/not answered/);
    });
    const folder = folderWith(rows, sentiment('http://127.0.0.1:9'));
    expect(await sluice(folder, ['preview', 'job.yaml', '-n', '1'])).toMatchObject({ code: 75 });
  });

  test('a job with problems exits 2 and asks nothing', async () => {
    await withEmulator({}, async (emulator) => {
      const folder = folderWith(rows, sentiment(emulator.url).replace('{{ text }}', '{{ txet }}'));
      const { code, stderr } = await sluice(folder, ['preview', 'job.yaml']);
      expect(code).toBe(2);
      expect(stderr).toMatch(/did you mean "text"/);
      expect(emulator.stats().requests).toBe(0);
    });
  });
});
