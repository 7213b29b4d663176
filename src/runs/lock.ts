import { randomUUID } from 'node:crypto';
import { link, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { Exit, SluiceError } from '../errors.ts';

/** Who is running, as `lock.json` says it. */
export interface LockOwner {
  host: string;
  pid: number;
  /** Tells this run from any other, also one with the same pid after a reboot. */
  id: string;
  /** ISO times. */
  started: string;
  heartbeat: string;
}

/** How often the owner says that it is alive. */
export const heartbeatMs = 5_000;
/** Silence after which an owner on another host, whose process cannot be looked up, is taken for gone. */
export const staleMs = 120_000;

/** Ids of the locks that this process holds. */
const heldHere = new Set<string>();

/**
 * One run on an output at a time.
 *
 * The lock is made by linking a complete file to its name: two runs that start at the same instant cannot both get it,
 * and nobody ever reads half a lock. An owner on this host is gone when its process is; one on another host when its
 * heartbeat has been silent for `staleMs`.
 */
export class RunLock {
  readonly #path: string;
  readonly #owner: LockOwner;
  #timer: NodeJS.Timeout | undefined;
  #beating: Promise<void> = Promise.resolve();
  #lost = false;

  private constructor(path: string, owner: LockOwner) {
    this.#path = path;
    this.#owner = owner;
  }

  /**
   * @returns the lock, and the owner it was taken over from if that one is gone
   * @throws {SluiceError} RUN_LOCKED, exit 75, when another run is alive
   */
  static async acquire(path: string): Promise<{ lock: RunLock; tookOver?: LockOwner }> {
    const now = new Date().toISOString();
    const owner = { host: hostname(), pid: process.pid, id: randomUUID(), started: now, heartbeat: now };
    const lock = new RunLock(path, owner);
    const draft = `${path}.${owner.id}`;
    await writeFile(draft, text(owner), { flag: 'wx' });
    try {
      let tookOver: LockOwner | undefined;
      for (;;) {
        try {
          await link(draft, path);
          break;
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
        }
        const other = await readOwner(path);
        if (other === undefined) continue;
        if (isAlive(other)) throw lockedBy(path, other);
        await removeStale(path, other);
        tookOver = other;
      }
      heldHere.add(owner.id);
      lock.#beat();
      return tookOver === undefined ? { lock } : { lock, tookOver };
    } finally {
      await rm(draft, { force: true });
    }
  }

  /** True when another run has taken this lock over: nothing may be written any more. */
  get lost(): boolean {
    return this.#lost;
  }

  async release(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#beating;
    heldHere.delete(this.#owner.id);
    if ((await readOwner(this.#path))?.id === this.#owner.id) await rm(this.#path, { force: true });
  }

  #beat(): void {
    this.#timer = setTimeout(() => {
      this.#beating = this.#writeHeartbeat().then(() => this.#beat());
    }, heartbeatMs);
    this.#timer.unref();
  }

  async #writeHeartbeat(): Promise<void> {
    try {
      if ((await readOwner(this.#path))?.id !== this.#owner.id) {
        this.#lost = true;
        return;
      }
      this.#owner.heartbeat = new Date().toISOString();
      const draft = `${this.#path}.${this.#owner.id}`;
      await writeFile(draft, text(this.#owner));
      await rename(draft, this.#path);
    } catch {
      // A heartbeat that cannot be written (a full disk, say) must not end a run that can still answer rows: whatever
      // is wrong with the disk is reported by the journal, which cannot go on without it.
    }
  }
}

/** The owner of a lock, or undefined where there is none. */
export async function readOwner(path: string): Promise<LockOwner | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as LockOwner;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    if (!(error instanceof SyntaxError)) throw error;
    // Not a lock that this program wrote: locks appear whole. It cannot name a living owner.
    return { host: '', pid: 0, id: '', started: '', heartbeat: new Date(0).toISOString() };
  }
}

export function isAlive(owner: LockOwner): boolean {
  if (owner.host === hostname()) {
    // Our own pid in a lock that we do not hold: a container that was started again.
    if (owner.pid === process.pid) return heldHere.has(owner.id);
    try {
      process.kill(owner.pid, 0);
      return true;
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === 'EPERM';
    }
  }
  return Date.now() - Date.parse(owner.heartbeat) < staleMs;
}

/** Whoever holds this for longer was killed while it took over a lock. */
const guardMs = 10_000;

/**
 * Removes the lock of an owner that is gone, and only that one. Many may be doing the same: one at a time looks again
 * whether it is still the stale lock and removes it, under a guard of its own; a lock that was taken anew in between
 * is never touched.
 */
export async function removeStale(path: string, stale: LockOwner): Promise<void> {
  const guard = `${path}.takeover`;
  try {
    await writeFile(guard, '', { flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    const { mtimeMs } = await stat(guard).catch(() => ({ mtimeMs: Date.now() }));
    if (Date.now() - mtimeMs > guardMs) await rm(guard, { force: true });
    else await sleep(10);
    return;
  }
  try {
    if ((await readOwner(path))?.id === stale.id) await rm(path, { force: true });
  } finally {
    await rm(guard, { force: true });
  }
}

/** What somebody hears who wants a lock that a living owner holds. */
export function lockedBy(path: string, owner: LockOwner): SluiceError {
  return new SluiceError(
    'RUN_LOCKED',
    `output in use: process ${owner.pid} on ${owner.host} has been running on it since ${owner.started}`,
    { next: `wait for it to end; it holds ${path}`, exit: Exit.later },
  );
}

function text(owner: LockOwner): string {
  return `${JSON.stringify(owner, null, 2)}\n`;
}
