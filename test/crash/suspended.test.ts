import { existsSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Engine } from '../../src/duckdb/engine.ts';
import { staleMs } from '../../src/runs/lock.ts';
import type { Job } from '../../src/spec/job.ts';
import { json, scriptedServer } from '../backends/api/scripted-server.ts';
import { withEmulator } from '../e2e/emulated.ts';
import { partsOf } from '../e2e/folder.ts';
import { type Started, start } from '../e2e/sluice.ts';
import { temporaryFolder } from '../temporary.ts';
import { watched } from './harness.ts';
import { answering, jobOf, runHere } from './in-process.ts';

const ROWS = 30;

/** A folder with a job of 30 rows in shards of 10. */
function folderWith(url: string, format = 'jsonl'): { folder: string; job: Job } {
  const folder = temporaryFolder();
  const lines = Array.from({ length: ROWS }, (_, id) => `${JSON.stringify({ id, text: `row ${id}` })}\n`);
  writeFileSync(join(folder, 'rows.jsonl'), lines.join(''));
  const text = `task: text-classification
model: acme/sentiment
source: ${join(folder, 'rows.jsonl')}
inputs: {text: text}
backend: {type: api, url: "${url}"}
limits: {concurrency: 4}
output: {path: ${join(folder, 'out')}, format: ${format}, keep: [id], rows_per_part: 10}
`;
  writeFileSync(join(folder, 'job.yaml'), text);
  return { folder, job: jobOf(text) };
}

/** Resolves when a process has been stopped by SIGSTOP. */
async function stopped({ process: { pid } }: Started): Promise<void> {
  const state = () => / ([A-Za-z]) /.exec(readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/.*\)/, ''))?.[1];
  while (state() !== 'T') await new Promise((resolve) => setTimeout(resolve, 5));
}

/** Makes the lock of a process look as if it were of another host, and silent for long: only its age tells. */
function age(folder: string): void {
  const path = join(folder, 'out/_sluice/lock.json');
  const heartbeat = new Date(Date.now() - 2 * staleMs).toISOString();
  const owner = { ...JSON.parse(readFileSync(path, 'utf8')), host: 'elsewhere', heartbeat };
  writeFileSync(`${path}.aged`, JSON.stringify(owner));
  renameSync(`${path}.aged`, path);
}

/**
 * Every file of an output: which it is, when it was written, and what it holds. An empty journal is nothing: it may have
 * been about to be opened, and the next run removes it.
 */
function filesOf(folder: string): [path: string, ino: number, mtimeMs: number, content: string][] {
  return readdirSync(join(folder, 'out'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry): [string, number, number, string] => {
      const path = join(entry.parentPath, entry.name);
      const { ino, mtimeMs } = statSync(path);
      return [path, ino, mtimeMs, readFileSync(path, 'utf8')];
    })
    .filter(([, , , content]) => content !== 'SLUICEJ1')
    .sort();
}

/** An engine that does something before it reads back the first part that it has written. */
function lookingBack(engine: Engine, before: () => Promise<void>): Engine {
  return new Proxy(engine, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (name === 'rows')
        return async (sql: string) => {
          if (sql.includes('part-00000')) await before();
          return target.rows(sql);
        };
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

describe.skipIf(process.platform !== 'linux')(
  'a run that is suspended while another takes its lock by age',
  () => {
    let engine: Engine;
    beforeAll(async () => {
      engine = await Engine.open();
    });
    afterAll(() => engine.close());

    test('leaves the other one alone when it goes on: journals, parts and rows; and ends', async () => {
      const held: ServerResponse[] = [];
      const answer = (response: ServerResponse) => json(response, [[{ label: 'FIRST', score: 1 }]]);
      await using server = await scriptedServer((response) => {
        // Shard 0 is committed then, and shard 1 begun.
        if (server.received.length <= 15) answer(response);
        else held.push(response);
      });
      const { folder, job } = folderWith(server.url);
      const first = start(folder, ['run', 'job.yaml', '--log-format', 'json']);
      const journal = join(folder, 'out/_sluice/journal/00001.journal');
      const isKept = () =>
        held.length === 4 && partsOf(folder)['part-00000.jsonl'] && statSync(journal).size > 100;
      await first.said(/part-00000/);
      while (!isKept()) await new Promise((resolve) => setTimeout(resolve, 5));
      first.process.kill('SIGSTOP');
      await stopped(first);
      age(folder);

      const backend = answering(job);
      let calls = 0;
      const second = await runHere(
        job,
        engine,
        {
          ...backend,
          call: async (questions, how) => {
            // In the middle of shard 1, of which it has some rows itself by now; groups are synced every 50 ms.
            if (++calls === 5) {
              await new Promise((resolve) => setTimeout(resolve, 200));
              held.forEach(answer);
              first.process.kill('SIGCONT');
              await first.finished;
            }
            return backend.call(questions, how);
          },
        },
        { watchMs: 50 },
      );
      expect(second.outcome).toEqual({ exit: 0 });
      const { code, stderr } = await first.finished;
      expect(stderr).toContain(`output in use: process ${process.pid} on `);
      expect(code).toBe(75);
      // What was held, and what it asked before its next heartbeat.
      expect(server.received.length).toBeLessThanOrEqual(15 + 4 + 4);
      const rows = Object.keys(partsOf(folder)).flatMap((name) =>
        readFileSync(join(folder, 'out', name), 'utf8')
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line)),
      );
      expect(rows.map(({ id }) => id)).toEqual(Array.from({ length: ROWS }, (_, id) => id));
      expect(rows.filter(({ label }) => label === 'FIRST')).toHaveLength(15);
      expect(backend.asked).toHaveLength(15);
      for (const [shard, name] of Object.keys(partsOf(folder)).entries()) {
        const record = readFileSync(join(folder, `out/_sluice/shards/0000${shard}.json`), 'utf8');
        expect(JSON.parse(record).sha256).toBe(partsOf(folder)[name]);
      }
      expect(readdirSync(join(folder, 'out/_sluice')).sort()).toEqual([
        'errors',
        'journal',
        'plan.json',
        'shards',
      ]);
    });

    test.each([
      'mkdir _sluice/tmp#1:suspended',
      'sync _sluice/tmp/part-N.tmp#1:suspended',
      'rename part-N#1:suspended',
    ])('before %s: it does not publish the same part while the other one writes it', async (point) => {
      await withEmulator({}, async ({ url }) => {
        const [{ folder, job }, quiet] = [folderWith(url, 'parquet'), folderWith(url, 'parquet')];
        await runHere(quiet.job, engine, answering(quiet.job));
        const first = start(folder, ['run', 'job.yaml', '--log-format', 'json'], watched(folder, url, point));
        await stopped(first);
        age(folder);
        let isThere: boolean | undefined;
        const looking = lookingBack(engine, async () => {
          first.process.kill('SIGCONT');
          await first.finished;
          isThere ??= existsSync(join(folder, 'out/part-00000.parquet'));
        });
        const second = await runHere(job, looking, answering(job), { watchMs: 50 });
        expect(await first.finished).toMatchObject({ code: 75 });
        expect(isThere).toBe(false);
        expect(second.outcome).toEqual({ exit: 0 });
        expect(partsOf(folder)).toEqual(partsOf(quiet.folder));
      });
    });

    test.each([
      'write _sluice/journal/N.journal#3:suspended',
      'rename part-N#2:suspended',
      'rename _sluice/shards/N.json#2:suspended',
      'rename _SUCCESS#1:suspended',
      'rename _sluice/report.json#1:suspended',
    ])('before %s: it changes nothing when the other one is done', async (point) => {
      const quiet = folderWith('http://127.0.0.1:9');
      await runHere(quiet.job, engine, answering(quiet.job));
      await withEmulator({}, async ({ url }) => {
        const { folder, job } = folderWith(url);
        const first = start(folder, ['run', 'job.yaml', '--log-format', 'json'], watched(folder, url, point));
        await stopped(first);
        age(folder);
        const second = await runHere(job, engine, answering(job), { watchMs: 50 });
        expect(second.outcome).toEqual({ exit: 0 });
        expect(partsOf(folder)).toEqual(partsOf(quiet.folder));
        const before = filesOf(folder);
        first.process.kill('SIGCONT');
        const { code, stderr } = await first.finished;
        expect(filesOf(folder)).toEqual(before);
        expect({ code, stderr }).toMatchObject({
          code: 75,
          stderr: expect.stringMatching(/lock|output in use/),
        });
      });
    });
  },
);
