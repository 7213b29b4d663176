import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { Pool, type PoolOptions } from '../../../src/backends/onnx/pool.ts';
import { workerEnvironment } from '../../../src/backends/onnx/worker-process.ts';
import { temporaryFolder } from '../../temporary.ts';
import { texts } from './kit.ts';

function poolOf(changes: Partial<PoolOptions> & { task?: string } = {}): { pool: Pool; notices: string[] } {
  const { task = 'text-classification', ...options } = changes;
  const notices: string[] = [];
  const pool = new Pool({
    script: join(import.meta.dirname, 'scripted-worker.mjs'),
    setup: { name: 'x', model: { folder: 'x', files: {}, dtype: 'fp32' }, task, threads: 1, device: 'cpu' },
    workers: 2,
    loadTimeoutMs: 30_000,
    onNotice: (message) => notices.push(message),
    ...options,
  });
  onTestFinished(() => pool.close());
  return { pool, notices };
}

const isAlive = (pid: number) => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

describe('a pool of processes', () => {
  test('answers many windows at once, each in the order of its rows', async () => {
    const { pool } = poolOf();
    await pool.ready();
    const windows = Array.from({ length: 20 }, (_, w) =>
      Array.from({ length: 1 + (w % 7) }, (_, i) => `${w}-${i}a`),
    );
    const outcomes = await Promise.all(windows.map((rows) => pool.run(texts(rows), 30_000)));
    expect(outcomes).toEqual(windows.map((rows) => ({ answers: rows.map((row) => row.toUpperCase()) })));
  });

  test('a worker killed from outside is replaced, and its window is answered all the same', async () => {
    const { pool, notices } = poolOf({ workers: 1 });
    const once = join(temporaryFolder(), 'died');
    expect(await pool.run(texts(['a', 'b', `die-once ${once}`, 'c', 'd']), 30_000)).toEqual({
      answers: ['A', 'B', `DIE-ONCE ${once.toUpperCase()}`, 'C', 'D'],
    });
    expect(notices).toEqual(['a worker was ended by SIGKILL; another one takes its place']);
  });

  test('a row that kills its worker twice is refused; the other rows and windows are answered', async () => {
    const { pool } = poolOf();
    const [poisoned, other] = await Promise.all([
      pool.run(texts(['a', 'b', 'die', 'c', 'd']), 30_000),
      pool.run(texts(['e', 'f']), 30_000),
    ]);
    expect(poisoned).toMatchObject({
      answers: ['A', 'B', { kind: 'crashed', message: expect.stringContaining('SIGKILL') }, 'C', 'D'],
    });
    expect(other).toEqual({ answers: ['E', 'F'] });
  });

  test.skipIf(process.platform !== 'linux')(
    'a worker that runs out of memory is replaced and its rows are asked again; a row at which two do is refused',
    async () => {
      const { pool, notices } = poolOf({ workers: 1 });
      const once = join(temporaryFolder(), 'ate');
      const outcome = await pool.run(texts(['a', 'b', `eat-once ${once}`, 'c', 'eat', 'd']), 60_000);
      expect(outcome).toMatchObject({
        answers: [
          ...['A', 'B', `EAT-ONCE ${once.toUpperCase()}`, 'C'],
          { kind: 'crashed', message: 'a worker ran out of memory, 2 times at this row' },
          'D',
        ],
      });
      // Once by chance, twice in company, twice alone.
      const notice = 'a worker ran out of memory; another one takes its place';
      expect(notices).toEqual(new Array(5).fill(notice));
    },
  );

  test('a row that hangs its worker is refused after the timeout', async () => {
    const { pool } = poolOf({ workers: 1 });
    await pool.ready();
    expect(await pool.run(texts(['hang', 'a']), 300)).toMatchObject({
      answers: [{ kind: 'crashed', message: 'a worker said nothing for 0.3 s, 2 times at this row' }, 'A'],
    });
  });

  test('a row that the model refuses is refused in its words, and the worker lives', async () => {
    const { pool, notices } = poolOf({ workers: 1 });
    expect(await pool.run(texts(['a', 'throw', 'b']), 30_000)).toMatchObject({
      answers: ['A', { kind: 'rejected', message: 'the model threw' }, 'B'],
    });
    expect(notices).toEqual([]);
  });

  test('a model that cannot be used is said before the first row, with what to do', async () => {
    const { pool } = poolOf({ task: 'unusable' });
    await expect(pool.ready()).rejects.toMatchObject({
      code: 'MODEL_TASK',
      message: 'model x: no',
      next: 'choose another',
    });
    expect(await pool.run(texts(['a']), 30_000)).toMatchObject({ failure: { class: 'fatal' } });
  });

  test('workers that die while they load are not started for ever; their last words are passed on', async () => {
    const { pool } = poolOf({ task: 'stillborn' });
    await expect(pool.ready()).rejects.toMatchObject({
      code: 'ONNX_WORKER',
      message: expect.stringContaining('no memory for the model'),
    });
  });

  test('a call that is given up ends at once, and close leaves no process behind', async () => {
    const { pool } = poolOf();
    await pool.ready();
    const abort = new AbortController();
    const hung = pool.run(texts(['hang']), 60_000, abort.signal);
    const other = pool.run(texts(['hang']), 60_000);
    abort.abort();
    expect(await hung).toMatchObject({ failure: { class: 'aborted' } });
    const pids = pool.pids;
    expect(pids).toHaveLength(2);
    await pool.close();
    expect(await other).toMatchObject({ failure: { class: 'aborted' } });
    expect(pids.filter(isAlive)).toEqual([]);
  });

  test('a worker inherits no token', () => {
    expect(workerEnvironment({ HF_TOKEN: 'hf_x', PATH: '/bin' })).not.toHaveProperty('HF_TOKEN');
    expect(workerEnvironment({})).toHaveProperty('ORT_DISABLE_TELEMETRY', '1');
  });
});
