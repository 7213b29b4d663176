import { ran } from './ran.ts';

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

export function mean(one: Taken, other: Taken): Taken {
  return {
    cpuSeconds: (one.cpuSeconds + other.cpuSeconds) / 2,
    seconds: (one.seconds + other.seconds) / 2,
  };
}

/** The middle one. */
export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1]!;
}
