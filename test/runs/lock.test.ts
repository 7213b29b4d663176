import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { SluiceError } from '../../src/errors.ts';
import { claimOutput } from '../../src/runs/claim.ts';
import { Layout } from '../../src/runs/layout.ts';
import { heartbeatMs, isAlive, RunLock, staleMs } from '../../src/runs/lock.ts';
import { identityOf } from '../../src/runs/process-identity.ts';
import { temporaryFolder } from '../temporary.ts';

/** A process id of this machine that belongs to nobody any more. */
function deadProcess(): number {
  return spawnSync(process.execPath, ['-e', '']).pid;
}

const owner = (changes: object) => ({
  host: hostname(),
  pid: 1,
  id: 'other',
  started: '2026-11-01T00:00:00.000Z',
  heartbeat: new Date().toISOString(),
  ...changes,
});

describe('RunLock', () => {
  test('one of many that start at the same instant gets the lock, the others are told who has it', async () => {
    const path = join(temporaryFolder(), 'lock.json');
    const results = await Promise.allSettled(Array.from({ length: 20 }, () => RunLock.acquire(path)));
    const got = results.filter((result) => result.status === 'fulfilled');
    const refused = results.filter((result) => result.status === 'rejected');
    expect(got).toHaveLength(1);
    for (const { reason } of refused) {
      expect(reason).toMatchObject({
        code: 'RUN_LOCKED',
        exit: 75,
        message: expect.stringContaining(String(process.pid)),
      });
    }
    await got[0]!.value.lock.release();
    expect(existsSync(path)).toBe(false);
  });

  test('a lock whose process is gone is taken over, by one of many', async () => {
    const folder = temporaryFolder();
    const path = join(folder, 'lock.json');
    writeFileSync(path, JSON.stringify(owner({ pid: deadProcess() })));
    const results = await Promise.allSettled(Array.from({ length: 10 }, () => RunLock.acquire(path)));
    const got = results.filter((result) => result.status === 'fulfilled');
    expect(got).toHaveLength(1);
    expect(got[0]!.value.tookOver?.id).toBe('other');
    await got[0]!.value.lock.release();
    expect(readdirSync(folder)).toEqual([]);
  });

  test('a lock of a living process is not taken, however old its heartbeat', async () => {
    const path = join(temporaryFolder(), 'lock.json');
    writeFileSync(path, JSON.stringify(owner({ pid: process.ppid, heartbeat: '2020-01-01T00:00:00.000Z' })));
    await expect(RunLock.acquire(path)).rejects.toMatchObject({ code: 'RUN_LOCKED' });
    expect(JSON.parse(readFileSync(path, 'utf8')).id).toBe('other');
  });

  test('an owner on another host is gone when its heartbeat has been silent for long enough', () => {
    const silent = (ms: number) =>
      owner({ host: 'elsewhere', heartbeat: new Date(Date.now() - ms).toISOString() });
    expect(isAlive(silent(staleMs - 5_000))).toBe(true);
    expect(isAlive(silent(staleMs + 5_000))).toBe(false);
  });

  test('a process that has got the id of the owner since is not the owner', () => {
    const mine = identityOf(process.ppid);
    expect(isAlive(owner({ pid: process.ppid, ...mine }))).toBe(true);
    if (mine.born === undefined) return;
    expect(isAlive(owner({ pid: process.ppid, ...mine, born: 'another boot 17' }))).toBe(false);
  });

  test.skipIf(process.platform !== 'linux')(
    'in another container with the same host name, the heartbeat counts and not the process id',
    () => {
      const there = { pid: deadProcess(), namespace: 'pid:[1]' };
      expect(isAlive(owner(there))).toBe(true);
      const heartbeat = new Date(Date.now() - staleMs - 1).toISOString();
      expect(isAlive(owner({ ...there, pid: process.ppid, heartbeat }))).toBe(false);
    },
  );

  test.each([
    ['decades behind', 0],
    ['an hour ahead', Date.now() + 3_600_000],
  ])(
    'an owner elsewhere that still beats is alive, and one that is silent is not, whose clock is %s',
    async (_, clock) => {
      const path = join(temporaryFolder(), 'lock.json');
      let beats = 0;
      const beat = () => {
        const heartbeat = new Date(clock + beats++).toISOString();
        writeFileSync(
          `${path}.new`,
          JSON.stringify(owner({ host: 'elsewhere', id: `at ${clock}`, heartbeat })),
        );
        renameSync(`${path}.new`, path);
      };
      beat();
      const beating = setInterval(beat, 5);
      onTestFinished(() => clearInterval(beating));
      await expect(RunLock.acquire(path, 200)).rejects.toMatchObject({ code: 'RUN_LOCKED' });
      clearInterval(beating);
      const { lock, tookOver } = await RunLock.acquire(path, 20);
      expect(tookOver?.host).toBe('elsewhere');
      await lock.release();
    },
  );

  test('a clock of ours that jumps takes no lock from an owner elsewhere that beats', async () => {
    const path = join(temporaryFolder(), 'lock.json');
    vi.useFakeTimers({ toFake: ['Date'] });
    onTestFinished(() => void vi.useRealTimers());
    const real = Date.now();
    let beats = 0;
    const beat = () => {
      const heartbeat = new Date(real + beats++).toISOString();
      writeFileSync(`${path}.new`, JSON.stringify(owner({ host: 'elsewhere', id: 'jump', heartbeat })));
      renameSync(`${path}.new`, path);
    };
    beat();
    const beating = setInterval(beat, 5);
    onTestFinished(() => clearInterval(beating));
    for (const jump of [-30 * 86_400_000, 86_400_000]) {
      vi.setSystemTime(real + jump);
      await expect(RunLock.acquire(path, 100)).rejects.toMatchObject({ code: 'RUN_LOCKED' });
    }
  });

  test('a silent owner elsewhere is watched once, not at every look; one that beats again is watched again', async () => {
    const layout = new Layout(join(temporaryFolder(), 'out'));
    mkdirSync(layout.run, { recursive: true });
    const heartbeat = new Date(Date.now() - staleMs - 1000).toISOString();
    writeFileSync(layout.lock(), JSON.stringify(owner({ host: 'elsewhere', id: 'watched', heartbeat })));
    const began = performance.now();
    const claim = await claimOutput(layout, undefined, async ({ tookOver }) => tookOver?.id, 500);
    expect(claim).toMatchObject({ begun: 'watched', mayReturn: true });
    expect(performance.now() - began).toBeLessThan(1000);
    await claim.lock.release();
    const later = new Date(Date.now() - staleMs - 500).toISOString();
    writeFileSync(
      layout.lock(),
      JSON.stringify(owner({ host: 'elsewhere', id: 'watched', heartbeat: later })),
    );
    const again = performance.now();
    await (await claimOutput(layout, undefined, async () => undefined, 200)).lock.release();
    expect(performance.now() - again).toBeGreaterThanOrEqual(199);
  });

  test('a process of this host that is gone does not come back', async () => {
    const layout = new Layout(join(temporaryFolder(), 'out'));
    mkdirSync(layout.run, { recursive: true });
    writeFileSync(layout.lock(), JSON.stringify(owner({ pid: deadProcess() })));
    const claim = await claimOutput(layout, undefined, async () => undefined);
    expect(claim.mayReturn).toBe(false);
    await claim.lock.release();
  });

  test('a heartbeat that finds another owner says so, once', async () => {
    const path = join(temporaryFolder(), 'lock.json');
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    const { lock } = await RunLock.acquire(path);
    onTestFinished(() => lock.release());
    const lost: SluiceError[] = [];
    const told = new Promise<void>((resolve) => {
      lock.onLost = (error) => {
        lost.push(error);
        resolve();
      };
    });
    writeFileSync(path, JSON.stringify(owner({ host: 'elsewhere', pid: 17 })));
    vi.advanceTimersByTime(heartbeatMs);
    await told;
    expect(lost[0]).toMatchObject({ code: 'RUN_LOCKED', message: expect.stringContaining('process 17') });
    expect(vi.getTimerCount()).toBe(0);
  });

  test('a run that lost its lock while it was suspended commits nothing more', async () => {
    const path = join(temporaryFolder(), 'lock.json');
    const { lock } = await RunLock.acquire(path);
    await lock.confirm();
    writeFileSync(path, JSON.stringify(owner({ host: 'elsewhere' })));
    await expect(lock.confirm()).rejects.toMatchObject({ code: 'RUN_LOCKED', exit: 75 });
    await lock.release();
    expect(JSON.parse(readFileSync(path, 'utf8')).id).toBe('other');
  });

  test('a lock file that is not one does not block for ever', async () => {
    const path = join(temporaryFolder(), 'lock.json');
    writeFileSync(path, '{"host": "el');
    const { lock } = await RunLock.acquire(path);
    await lock.release();
  });
});
