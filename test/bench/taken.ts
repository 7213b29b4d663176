import { spawn } from 'node:child_process';

/** What programs took. */
export interface Taken {
  /** User and system time of all threads. */
  cpuSeconds: number;
  seconds: number;
}

/** User and system time of a Node program with all processes that it started, as the shell tells it. */
export async function timed(args: readonly string[], cwd: string): Promise<Taken> {
  const { stderr } = await ran(
    'bash',
    ['-c', 'TIMEFORMAT="%U %S %R"; time "$@"', 'bash', process.execPath, ...args],
    cwd,
  );
  const [user, system, seconds] = stderr.trim().split('\n').at(-1)!.split(' ').map(Number);
  return { cpuSeconds: user! + system!, seconds: seconds! };
}

/**
 * Runs a program to its end.
 * @throws {Error} with what it said, when it exits with anything but 0
 */
export async function ran(
  program: string,
  args: readonly string[],
  cwd: string,
): Promise<{ stdout: string; stderr: string }> {
  const child = spawn(program, args, {
    cwd,
    env: { PATH: process.env.PATH ?? '', HOME: cwd },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const code = await new Promise((done, failed) => child.on('error', failed).on('close', done));
  if (code !== 0) throw new Error(`${args.join(' ')} ended with ${String(code)}:\n${stderr.slice(-4000)}`);
  return { stdout, stderr };
}

/** Programs that ran at the same time: the time of the last, the work of all. */
export function together(all: readonly Taken[]): Taken {
  return {
    cpuSeconds: all.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0),
    seconds: Math.max(...all.map(({ seconds }) => seconds)),
  };
}

export function difference(more: Taken, less: Taken): Taken {
  return { cpuSeconds: more.cpuSeconds - less.cpuSeconds, seconds: more.seconds - less.seconds };
}

/** The middle one. */
export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1]!;
}
