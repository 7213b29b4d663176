import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** What a process took, from its start to its end. */
export interface Measured {
  seconds: number;
  /** User and system time of all its threads. */
  cpuSeconds: number;
  /** Peak resident memory. */
  peakMb: number;
  stdout: string;
}

const recorder = pathToFileURL(join(import.meta.dirname, 'recorder.mjs')).href;

/**
 * Runs a Node program to its end and measures it from inside and outside.
 * @throws {Error} with what it said, when it exits with anything but 0
 */
export async function measured(
  args: readonly string[],
  cwd: string,
  nodeArgs: string[] = [],
): Promise<Measured> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-'));
  const record = join(folder, 'record.json');
  try {
    const began = performance.now();
    const child = spawn(process.execPath, ['--import', recorder, ...nodeArgs, ...args], {
      cwd,
      env: { PATH: process.env.PATH ?? '', HOME: cwd, SLUICE_BENCH_RECORD: record },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let [stdout, stderr] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    const code = await new Promise((resolve, reject) => child.on('error', reject).on('close', resolve));
    const seconds = (performance.now() - began) / 1000;
    if (code !== 0) throw new Error(`${args.join(' ')} ended with ${String(code)}:\n${stderr.slice(-4000)}`);
    const { cpuSeconds, peakMb } = JSON.parse(readFileSync(record, 'utf8')) as Measured;
    return { seconds, cpuSeconds, peakMb, stdout };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
