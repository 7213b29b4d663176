import { type ChildProcess, spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { onTestFinished } from 'vitest';

/** The command line as it is shipped: compiled, in a process of its own. */
const main = resolve(import.meta.dirname, '../../dist/cli/main.js');

export interface Finished {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

export interface Started {
  process: ChildProcess;
  finished: Promise<Finished>;
  /** Resolves when stderr has said something that matches; rejects when the process ends before. */
  said(pattern: RegExp): Promise<void>;
}

/** Starts `sluice` in a folder. The environment holds nothing of the developer's: no token, no proxy. */
export function start(cwd: string, args: readonly string[], env: Record<string, string> = {}): Started {
  const child = spawn(process.execPath, [main, ...args], {
    cwd,
    env: { PATH: process.env.PATH ?? '', HOME: cwd, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr] = ['', ''];
  const waiting: { pattern: RegExp; resolve: () => void; reject: (error: Error) => void }[] = [];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
    for (const { pattern, resolve } of waiting) if (pattern.test(stderr)) resolve();
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const finished = new Promise<Finished>((done, failed) => {
    child.on('error', failed);
    child.on('close', (code, signal) => {
      for (const { pattern, reject } of waiting)
        reject(new Error(`ended without saying ${pattern}:\n${stderr}`));
      done({ code, signal, stdout, stderr });
    });
  });
  return {
    process: child,
    finished,
    said: (pattern) =>
      new Promise((resolve, reject) => {
        if (pattern.test(stderr)) resolve();
        else waiting.push({ pattern, resolve, reject });
      }),
  };
}

/** Runs `sluice` to its end. */
export function sluice(
  cwd: string,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<Finished> {
  return start(cwd, args, env).finished;
}
