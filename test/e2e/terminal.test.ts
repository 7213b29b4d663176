import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Emulator } from '../../src/emulator/emulator.ts';
import { temporaryFolder } from '../temporary.ts';
import { withEmulator } from './emulated.ts';

const main = resolve(import.meta.dirname, '../../dist/cli/main.js');
const inTerminal = resolve(import.meta.dirname, 'in-terminal.mjs');

/** That of util-linux; others take other options. */
const hasScript = /util-linux/.test(String(spawnSync('script', ['--version']).stdout));
const hasNohup = spawnSync('nohup', ['true'], { stdio: 'ignore' }).status === 0;

const ROWS = 200;

function folderWith({ url }: Emulator): string {
  const folder = temporaryFolder();
  const lines = Array.from({ length: ROWS }, (_, id) => `${JSON.stringify({ id, text: `row ${id}` })}\n`);
  writeFileSync(join(folder, 'rows.jsonl'), lines.join(''));
  writeFileSync(
    join(folder, 'job.yaml'),
    `task: text-classification
model: acme/sentiment
source: rows.jsonl
inputs: {text: text}
backend: {type: api, url: "${url}"}
limits: {concurrency: 8}
output: {path: out, format: jsonl, rows_per_part: 50}
`,
  );
  return folder;
}

/** Runs a command in a terminal that is closed after a number of requests. @returns how it ended */
async function inClosedTerminal(
  folder: string,
  emulator: Emulator,
  requests: number,
  command: readonly string[],
): Promise<{ code: number | null; signal: string | null }> {
  const result = join(folder, 'ended.json');
  const line = [process.execPath, inTerminal, result, ...command].map((word) => `'${word}'`).join(' ');
  const terminal = spawn('script', ['-qec', `exec ${line}`, '/dev/null'], {
    cwd: folder,
    env: { PATH: process.env.PATH ?? '', HOME: folder, TERM: 'xterm' },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  terminal.stdout.resume();
  onTestFinished(() => void terminal.kill('SIGKILL'));
  while (emulator.stats().requests < requests) await new Promise((resolve) => setTimeout(resolve, 5));
  terminal.kill('SIGKILL');
  while (!existsSync(result)) await new Promise((resolve) => setTimeout(resolve, 5));
  return JSON.parse(readFileSync(result, 'utf8'));
}

const ledgerOf = (folder: string) =>
  JSON.parse(readFileSync(join(folder, 'out/_sluice/report.json'), 'utf8')).ledger;

describe.skipIf(!hasScript)('a terminal that is closed', () => {
  test('ends the run as TERM does: exit 143, what was in flight is journaled', async () => {
    await withEmulator({ latencyMs: 300 }, async (emulator) => {
      const folder = folderWith(emulator);
      const run = [process.execPath, main, 'run', 'job.yaml'];
      expect(await inClosedTerminal(folder, emulator, 20, run)).toEqual({ code: 143, signal: null });
      expect(emulator.stats().requests).toBeLessThan(ROWS);
      const again = spawnSync(process.execPath, [main, 'status', 'out', '--json'], { cwd: folder });
      expect(JSON.parse(String(again.stdout)).ledger.read).toBe(ROWS);
    });
  });

  test.skipIf(!hasNohup)('does not end a run that was started with nohup', async () => {
    await withEmulator({ latencyMs: 50 }, async (emulator) => {
      const folder = folderWith(emulator);
      const run = ['nohup', process.execPath, main, 'run', 'job.yaml'];
      expect(await inClosedTerminal(folder, emulator, 20, run)).toEqual({ code: 0, signal: null });
      expect(ledgerOf(folder)).toMatchObject({ succeeded: ROWS, pending: 0 });
      expect(readFileSync(join(folder, 'nohup.out'), 'utf8')).toContain('part-00003.jsonl');
    });
  });
});
