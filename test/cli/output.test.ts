import { spawn } from 'node:child_process';
import { existsSync, openSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { withEmulator } from '../e2e/emulated.ts';
import { temporaryFolder } from '../temporary.ts';

const main = resolve(import.meta.dirname, '../../dist/cli/main.js');

/** Runs `sluice` with the reader of a stream gone from the start. */
function unread(cwd: string, args: readonly string[], stream: 'stdout' | 'stderr') {
  const child = spawn(process.execPath, [main, ...args], { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  child[stream].destroy();
  let said = '';
  const other = stream === 'stdout' ? child.stderr : child.stdout;
  other.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  return new Promise<{ code: number | null; said: string }>((done) =>
    child.on('close', (code) => done({ code, said })),
  );
}

test.each(['schema', 'tasks', '--help'])('%s ends quietly when nobody reads on', async (command) => {
  expect(await unread(temporaryFolder(), [command], 'stdout')).toEqual({ code: 0, said: '' });
});

test('a run goes on when the reader of its log is gone', async () => {
  await withEmulator({ faults: { 500: 0.3 } }, async ({ url }) => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'in.csv'), `text\n${'a good day\n'.repeat(50)}`);
    writeFileSync(
      join(folder, 'job.yaml'),
      `task: text-classification\nmodel: a/b\nsource: in.csv\ninputs: { text: text }\nbackend: { url: '${url}' }\n` +
        'retry: { base_delay_ms: 10 }\noutput: { path: out }\n',
    );
    for (const format of ['json', 'pretty']) {
      const args = ['run', 'job.yaml', '--fresh', '--log-format', format];
      expect(await unread(folder, args, 'stderr')).toEqual({ code: 0, said: '' });
      expect(existsSync(join(folder, 'out/_SUCCESS'))).toBe(true);
    }
  });
});

test.skipIf(!existsSync('/dev/full'))('a full disk is told in a line, exit 3', async () => {
  const child = spawn(process.execPath, [main, 'schema'], {
    stdio: ['ignore', openSync('/dev/full', 'w'), 'pipe'],
  });
  let said = '';
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  expect(await new Promise((done) => child.on('close', done))).toBe(3);
  expect(said).toMatch(/^sluice: standard output cannot be written: .*ENOSPC.*\n {2}Make room/);
});
