import { randomUUID } from 'node:crypto';
import { link, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Exit, SluiceError } from '../errors.ts';
import { identityOf, type ProcessIdentity } from './process-identity.ts';

/** Who is running, as `lock.json` says it. */
export interface LockOwner extends ProcessIdentity {
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
/** How long a silent owner on another host is watched: some beats. */
const usualWatchMs = 2.5 * heartbeatMs;

/** Ids of the locks that this process holds. */
const heldHere = new Set<string>();

/**
 * One run on an output at a time.
 *
 * The lock is made by linking a complete file to its name: two runs that start at the same instant cannot both get it,
 * and nobody ever reads half a lock. An owner on this host is gone when its process is. One whose process cannot be
 * looked up, on another host or in another container, is gone when its heartbeat has been silent for `staleMs`, and
 * stays so while it is watched: two hosts' clocks may differ by more than that.
 */
export class RunLock {
  readonly #path: string;
  readonly #owner: LockOwner;
  #timer: NodeJS.Timeout | undefined;
  #beating: Promise<void> = Promise.resolve();
  /** Called when a heartbeat finds that the lock is somebody else's, or gone: what the lock guards is to be left alone. */
  onLost: (error: SluiceError) => void = () => undefined;

  private constructor(path: string, owner: LockOwner) {
    this.#path = path;
    this.#owner = owner;
  }

  /**
   * @param watchMs for how long an owner elsewhere is watched before its lock is taken over
   * @returns the lock, and the owner it was taken over from if that one is gone
   * @throws {SluiceError} RUN_LOCKED, exit 75, when another run is alive
   */
  static async acquire(path: string, watchMs?: number): Promise<{ lock: RunLock; tookOver?: LockOwner }> {
    const now = new Date().toISOString();
    const owner = {
      host: hostname(),
      pid: process.pid,
      id: randomUUID(),
      ...identityOf(),
      started: now,
      heartbeat: now,
    };
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
        if (!(await isGone(path, other, watchMs))) throw lockedBy(path, other);
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

  /**
   * To be called before anything is committed: a run that was suspended for long may have lost its lock to another.
   * @throws {SluiceError} RUN_LOCKED, exit 75
   */
  async confirm(): Promise<void> {
    const other = await readOwner(this.#path);
    if (other?.id === this.#owner.id) return;
    throw other === undefined ? lockGone(this.#path) : lockedBy(this.#path, other);
  }

  async release(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#beating;
    // The heartbeat that was just written has set it again.
    clearTimeout(this.#timer);
    heldHere.delete(this.#owner.id);
    if ((await readOwner(this.#path))?.id === this.#owner.id) await rm(this.#path, { force: true });
  }

  #beat(): void {
    this.#timer = setTimeout(() => {
      this.#beating = this.#writeHeartbeat();
    }, heartbeatMs);
    this.#timer.unref();
  }

  async #writeHeartbeat(): Promise<void> {
    try {
      await this.confirm();
      this.#owner.heartbeat = new Date().toISOString();
      const draft = `${this.#path}.${this.#owner.id}`;
      await writeFile(draft, text(this.#owner));
      await rename(draft, this.#path);
    } catch (error) {
      if (error instanceof SluiceError) {
        this.onLost(error);
        return;
      }
      // A heartbeat that cannot be written (a full disk, say) must not end a run that can still answer rows: whatever
      // is wrong with the disk is reported by the journal, which cannot go on without it.
    }
    this.#beat();
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

/** Removes what runs left that were killed between writing their draft of the lock and removing it. */
export async function removeDeadDrafts(path: string): Promise<void> {
  const prefix = `${basename(path)}.`;
  for (const name of await readdir(dirname(path))) {
    if (!name.startsWith(prefix) || name.length !== prefix.length + randomUUID().length) continue;
    const draft = join(dirname(path), name);
    const owner = await readOwner(draft);
    // No owner can be told of a draft that was cut short; one that is just being written looks the same.
    const { mtimeMs } = await stat(draft).catch(() => ({ mtimeMs: Date.now() }));
    const dead = owner?.id === '' ? Date.now() - mtimeMs > staleMs : owner !== undefined && !isAlive(owner);
    if (dead) await rm(draft, { force: true });
  }
}

export function isAlive(owner: LockOwner): boolean {
  // One from the future is of a clock that was wrong; it must not hold the output until then.
  if (!isHere(owner)) return Math.abs(Date.now() - Date.parse(owner.heartbeat)) < staleMs;
  // Our own pid in a lock that we do not hold: a container that was started again.
  if (owner.pid === process.pid) return heldHere.has(owner.id);
  try {
    process.kill(owner.pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  // Another process may have got the id since, after a restart of the machine above all.
  const { born } = identityOf(owner.pid);
  return owner.born === undefined || born === undefined || owner.born === born;
}

/** The last heartbeats of owners elsewhere that were watched and stayed silent, by id: nobody is watched twice. */
const silent = new Map<string, string>();

/** Whether an owner is gone; a silent one on another machine is watched first. */
export async function isGone(path: string, owner: LockOwner, watchMs = usualWatchMs): Promise<boolean> {
  if (isAlive(owner)) return false;
  if (!mayReturn(owner) || silent.get(owner.id) === owner.heartbeat) return true;
  if (await isBeating(path, owner, watchMs)) return false;
  silent.set(owner.id, owner.heartbeat);
  return true;
}

/** Whether an owner that was found gone may have been suspended: nobody here can look up its process. */
export function mayReturn(owner: LockOwner): boolean {
  return owner.id !== '' && !isHere(owner);
}

/** Whether the owner's process id means anything in this process. */
function isHere({ host, namespace }: LockOwner): boolean {
  return host === hostname() && (namespace === undefined || namespace === identityOf().namespace);
}

/** Watches a silent owner for some beats: by another clock than ours it may be alive. */
async function isBeating(path: string, { id, heartbeat }: LockOwner, watchMs: number): Promise<boolean> {
  await sleep(watchMs);
  const now = await readOwner(path);
  return now !== undefined && now.id === id && now.heartbeat !== heartbeat;
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

function lockGone(path: string): SluiceError {
  return new SluiceError('RUN_LOCKED', `lock ${path}: somebody removed it while this run was going on`, {
    next: 'run the same command again: it goes on where this run ended',
    exit: Exit.later,
  });
}

function text(owner: LockOwner): string {
  return `${JSON.stringify(owner, null, 2)}\n`;
}
