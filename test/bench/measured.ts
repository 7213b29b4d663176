import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ran } from './ran.ts';

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
    const { stdout } = await ran(process.execPath, ['--import', recorder, ...nodeArgs, ...args], cwd, {
      SLUICE_BENCH_RECORD: record,
    });
    const seconds = (performance.now() - began) / 1000;
    const { cpuSeconds, peakMb } = JSON.parse(readFileSync(record, 'utf8')) as Measured;
    return { seconds, cpuSeconds, peakMb, stdout };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
