import { readFileSync, readlinkSync } from 'node:fs';

/**
 * What tells a process from a later one with the same id, and its id from the same id in another container. Linux alone
 * says so; elsewhere both are undefined, and the id has to do.
 */
export interface ProcessIdentity {
  /** Boot of the machine, and clock ticks from there to the start of the process. */
  born?: string;
  /** The namespace that its id belongs to. */
  namespace?: string;
}

/** @param pid default: this process */
export function identityOf(pid: number | 'self' = 'self'): ProcessIdentity {
  const born = bornOf(pid);
  const namespace = read(() => readlinkSync(`/proc/${pid}/ns/pid`));
  return { ...(born === undefined ? {} : { born }), ...(namespace === undefined ? {} : { namespace }) };
}

function bornOf(pid: number | 'self'): string | undefined {
  const boot = read(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim());
  const stat = read(() => readFileSync(`/proc/${pid}/stat`, 'utf8'));
  // The program's name stands in brackets and may hold any sign; the start is the 20th field behind it.
  const ticks = stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  return boot === undefined || ticks === undefined ? undefined : `${boot} ${ticks}`;
}

/** What this system does not tell is not known: no error of a run. */
function read(work: () => string): string | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}
