import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SluiceError } from '../errors.ts';
import type { Layout } from './layout.ts';
import {
  isAlive,
  isGone,
  type LockOwner,
  lockedBy,
  mayReturn,
  RunLock,
  readOwner,
  removeStale,
} from './lock.ts';
import type { Share } from './share.ts';
import { namesIn } from './state.ts';

/** A process that is at work on an output, with its share (`2/3`) of a job that several work on. */
export interface AtWork {
  share?: string;
  owner: LockOwner;
}

/** What a process learns when it has got its lock. */
export interface Claimed {
  /** Other shares of the job are at work: what they rely on must stay as it is. */
  others: boolean;
  /** The owner that the lock was taken over from, who is gone. */
  tookOver?: LockOwner;
}

/** The right to work on an output, and what was begun with it. */
export interface Claim<T> {
  lock: RunLock;
  begun: T;
  /**
   * Somebody was locked out who may only have been suspended. Files that he has open are not to be written to: he may
   * write to them once more before he finds out.
   */
  mayReturn: boolean;
}

/** How often a process that has to wait for another one's beginning or end looks again. */
const pollMs = 50;

/**
 * Gets the right to work on an output, and begins under a guard: one process at a time plans, and nobody sees another's
 * beginning half done. A whole run excludes everybody. Shares exclude whole runs, themselves, and shares of another
 * number of processes: 1/2 and 1/3 have shards in common.
 * @param watchMs for how long a silent owner elsewhere is watched
 * @throws {SluiceError} RUN_LOCKED, exit 75, when somebody who is excluded is at work
 */
export async function claimOutput<T>(
  layout: Layout,
  share: Share | undefined,
  begin: (claimed: Claimed) => Promise<T>,
  watchMs?: number,
): Promise<Claim<T>> {
  const gone: LockOwner[] = [];
  const look = () => siblings(layout, share, gone, watchMs);
  return underGuard(
    layout,
    async () => {
      const others = (await look()) > 0;
      const { lock, tookOver } = await RunLock.acquire(layout.lock(share), watchMs);
      try {
        const begun = await begin({ others, ...(tookOver === undefined ? {} : { tookOver }) });
        return { lock, begun, mayReturn: gone.some(mayReturn) };
      } catch (error) {
        await lock.release();
        throw error;
      }
    },
    look,
  );
}

/**
 * Does something that only one process at a time may do on an output: begin, end, or change the plan. Waits for
 * whoever is at it.
 * @param look called while it waits; may give up by throwing
 */
export async function underGuard<T>(
  layout: Layout,
  work: () => Promise<T>,
  look: () => Promise<unknown> = async () => undefined,
): Promise<T> {
  const guard = await waitForLock(layout.guard, look);
  try {
    return await work();
  } finally {
    await guard.release();
  }
}

async function waitForLock(path: string, look: () => Promise<unknown>): Promise<RunLock> {
  for (;;) {
    await look();
    try {
      return (await RunLock.acquire(path)).lock;
    } catch (error) {
      if (!(error instanceof SluiceError) || error.code !== 'RUN_LOCKED') throw error;
    }
    await sleep(pollMs);
  }
}

/** Everybody who is at work on an output. */
export async function atWork(layout: Layout): Promise<AtWork[]> {
  const found: AtWork[] = [];
  for (const { path, share } of await locksOf(layout)) {
    const owner = await readOwner(path);
    if (owner !== undefined && isAlive(owner))
      found.push({ owner, ...(share === undefined ? {} : { share }) });
  }
  return found;
}

/**
 * How many other shares of the same division are at work. Locks of the dead are removed, so that a process that was
 * only asleep finds that it has lost its own.
 * @param gone gets the owners of these locks, and of an own one that is to be taken over
 * @throws {SluiceError} RUN_LOCKED
 */
async function siblings(
  layout: Layout,
  share: Share | undefined,
  gone: LockOwner[],
  watchMs: number | undefined,
): Promise<number> {
  let count = 0;
  const own = layout.lock(share);
  for (const { path, share: theirs } of await locksOf(layout)) {
    const owner = await readOwner(path);
    if (owner === undefined) continue;
    if (await isGone(path, owner, watchMs)) {
      gone.push(owner);
      // One's own is taken over with a word to the user.
      if (path !== own) await removeStale(path, owner);
      continue;
    }
    const isAlike = path !== own && share !== undefined && theirs?.endsWith(`/${share.of}`);
    if (!isAlike) throw lockedBy(path, owner);
    count++;
  }
  return count;
}

/** The locks that are there, and of which share (`2/3`) they are. */
async function locksOf({ run }: Layout): Promise<{ path: string; share?: string }[]> {
  return (await namesIn(run)).flatMap((name) => {
    const [match, index, of] = /^lock(?:-(\d+)-of-(\d+))?\.json$/.exec(name) ?? [];
    if (match === undefined) return [];
    return [{ path: join(run, name), ...(index === undefined ? {} : { share: `${index}/${of}` }) }];
  });
}
