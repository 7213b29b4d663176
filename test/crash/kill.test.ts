import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { withEmulator } from '../e2e/emulated.ts';
import { type Finished, sluice, start } from '../e2e/sluice.ts';
import {
  answeredRows,
  folderWith,
  keptAnswers,
  neverKilled,
  outputOf,
  type Variant,
  variants,
  watched,
} from './harness.ts';

const ROWS = 30;

/** Every change of what is on the disk, in the order in which a run makes them, and where it is killed. */
const points = [
  'writeFile _sluice/guard.json.draft#1:after',
  'link _sluice/guard.json#1:after',
  'rm _sluice/guard.json.draft#1:after',
  'writeFile _sluice/lock.json.draft#1:after',
  'link _sluice/lock.json#1:after',
  'rm _sluice/lock.json.draft#1:after',
  'write _sluice/.plan.json.tmp#1:middle',
  'rename _sluice/plan.json#1:after',
  'rm _sluice/guard.json#1:before',
  'rm _sluice/guard.json#1:after',
  'write _sluice/journal/N.journal#1:middle',
  'datasync _sluice/journal/N.journal#1:after',
  'write _sluice/journal/N.journal#4:middle',
  'datasync _sluice/journal/N.journal#4:before',
  'datasync _sluice/journal/N.journal#4:after',
  'link _sluice/guard.json#2:after',
  'rename _sluice/plan.json#2:after',
  'sync _sluice/tmp/part-N.tmp#2:before',
  'rename part-N#2:after',
  'write _sluice/errors/.N.jsonl.tmp#2:middle',
  'rename _sluice/errors/N.jsonl#2:after',
  'write _sluice/shards/.N.json.tmp#2:middle',
  'rename _sluice/shards/N.json#2:before',
  'rename _sluice/shards/N.json#2:after',
  'rm _sluice/journal/N.journal#3:after',
  'write ._SUCCESS.tmp#1:before',
  'rename _SUCCESS#1:after',
  'write _sluice/.report.json.tmp#1:middle',
  'rename _sluice/report.json#1:after',
  'rm _sluice/lock.json#1:after',
];

/** What of the operations of a run changes nothing that a later run could see. */
const harmless = /^(mkdir|sync|datasync) |^rm (_SUCCESS|_sluice\/tmp)$/;

const variantOf = (i: number): Variant => variants[i % variants.length]!;

async function run(folder: string, args: string[], kill?: string): Promise<Finished & { answered: number }> {
  return withEmulator({}, async ({ url, stats }) => {
    const finished = await sluice(folder, args, watched(folder, url, kill));
    return { ...finished, answered: stats().rowsAnswered };
  });
}

describe('SIGKILL at every change of the disk', () => {
  test('each has a kill point', async () => {
    const folder = folderWith(variants[0]!, ROWS);
    expect(await run(folder, ['run', 'job.yaml'])).toMatchObject({ code: 0 });
    const operations = new Set(readFileSync(join(folder, 'operations'), 'utf8').trim().split('\n'));
    const named = points.map((point) => point.slice(0, point.indexOf('#')));
    expect([...operations].filter((name) => !named.includes(name) && !harmless.test(name))).toEqual([]);
  });

  test.each(points.map((point, i) => [point, variantOf(i)] as const))(
    '%s: resumed, the same output, and no kept answer is asked for again; %o',
    async (point, variant) => {
      const folder = folderWith(variant, ROWS);
      expect(await run(folder, ['run', 'job.yaml'], point)).toMatchObject({ signal: 'SIGKILL' });
      const kept = keptAnswers(folder);
      const resumed = await run(folder, ['run', 'job.yaml']);
      expect(resumed).toMatchObject({ code: 0 });
      expect(outputOf(folder)).toEqual(await neverKilled(variant, ROWS));
      expect(resumed.answered).toBe(answeredRows(ROWS) - kept);
    },
  );
});

describe('SIGKILL during a retry', () => {
  const retryPoints = [
    'write _sluice/journal/N.journal.new#2:middle',
    'rename _sluice/journal/N.journal#2:before',
    'rename _sluice/journal/N.journal#2:after',
    'rm _sluice/shards/N.json#1:after',
    'write _sluice/journal/N.journal#1:middle',
    'rename part-N#1:after',
    'rename _sluice/errors/N.jsonl#1:before',
    'rename _sluice/shards/N.json#2:after',
  ];
  test.each(retryPoints.map((point, i) => [point, variantOf(i)] as const))(
    '%s: the next retry ends with the same output, and asks the failed rows alone; %o',
    async (point, variant) => {
      const folder = folderWith(variant, ROWS);
      expect(await run(folder, ['run', 'job.yaml'])).toMatchObject({ code: 0 });
      expect(await run(folder, ['retry', 'job.yaml'], point)).toMatchObject({ signal: 'SIGKILL' });
      expect(keptAnswers(folder)).toBe(answeredRows(ROWS));
      expect(await run(folder, ['retry', 'job.yaml'])).toMatchObject({ code: 0, answered: 0 });
      expect(outputOf(folder)).toEqual(await neverKilled(variant, ROWS));
    },
  );
});

describe('SIGKILL at random', () => {
  // SLUICE_KILLS=100 is the long form: a hundred of a server's answers, and a hundred of a model on this machine.
  const kills = Number(process.env.SLUICE_KILLS ?? variants.length);

  test(`${kills} times, over all formats: the same output, and little paid twice`, {
    timeout: timeoutMs(kills),
  }, async () => {
    const rows = 400;
    const expected = new Map<Variant, object>();
    for (let done = 0; done < kills; ) {
      const variant = variantOf(done);
      const more = { output: `{path: out, format: ${variant.format}, keep: [id], rows_per_part: 50}` };
      if (!expected.has(variant)) {
        const quiet = folderWith(variant, rows, more);
        expect(await run(quiet, ['run', 'job.yaml'])).toMatchObject({ code: 0 });
        expected.set(variant, outputOf(quiet));
      }
      const folder = folderWith(variant, rows, more);
      await withEmulator({ latencyMs: 5 }, async ({ url, stats }) => {
        const mine = Math.min(kills - done, Math.max(1, Math.ceil(kills / variants.length)));
        let killed = 0;
        for (; killed < mine; killed++) {
          const before = stats().requests;
          const started = start(folder, ['run', 'job.yaml', '--quiet'], { API_URL: url });
          const target = before + Math.random() * (rows / variant.batch / mine);
          // From the first request on, and up to 30 ms later: while asking, syncing, committing.
          const moment = reached(() => stats().requests >= target, Math.random() * 30);
          const ended = await Promise.race([started.finished.then(() => true), moment.then(() => false)]);
          if (ended) break;
          started.process.kill('SIGKILL');
          await started.finished;
        }
        done += Math.max(1, killed);
        const kept = keptAnswers(folder);
        const answered = stats().rowsAnswered;
        expect(await sluice(folder, ['run', 'job.yaml'], { API_URL: url })).toMatchObject({ code: 0 });
        expect(stats().rowsAnswered - answered).toBe(answeredRows(rows) - kept);
        expect(outputOf(folder)).toEqual(expected.get(variant));
        // What was in flight, and what came within the 50 ms of a group that was not on the disk; on a busy machine
        // several times that.
        const twice = stats().rowsAnswered - answeredRows(rows);
        expect(twice).toBeLessThanOrEqual(killed * (4 * variant.batch + 4 * 40 * variant.batch));
      });
    }
  });

  // Windows are cut from rows, and not by how many share a request: a format is a variant.
  const formats = variants.filter(({ batch }) => batch === 1);
  const localKills = Number(process.env.SLUICE_KILLS ?? formats.length);

  test(`${localKills} times, of a model on this machine over all formats: the same output`, {
    timeout: timeoutMs(localKills),
  }, async () => {
    const models = resolve(import.meta.dirname, '../../fixtures/models');
    const expected = new Map<Variant, object>();
    for (let done = 0; done < localKills; ) {
      const variant = formats[done % formats.length]!;
      const prepared = () =>
        folderWith(variant, 1000, {
          task: 'text-classification',
          model: 'sluice/afinn-sentiment',
          backend: `{type: onnx, model_dir: ${models}, workers: 2}`,
          limits: '{batch_size: 16}',
          output: `{path: out, format: ${variant.format}, keep: [id], rows_per_part: 250}`,
        });
      if (!expected.has(variant)) {
        const quiet = prepared();
        expect(await sluice(quiet, ['run', 'job.yaml'])).toMatchObject({ code: 0 });
        expected.set(variant, outputOf(quiet));
      }
      const folder = prepared();
      const mine = Math.min(localKills - done, Math.ceil(localKills / formats.length));
      let killed = 0;
      for (; killed < mine; killed++) {
        const before = journaledBytes(folder);
        const started = start(folder, ['run', 'job.yaml', '--quiet']);
        const moment = reached(() => journaledBytes(folder) !== before, Math.random() * 30);
        const ended = await Promise.race([started.finished.then(() => true), moment.then(() => false)]);
        if (ended) break;
        started.process.kill('SIGKILL');
        await started.finished;
      }
      done += Math.max(1, killed);
      expect(await sluice(folder, ['run', 'job.yaml'])).toMatchObject({ code: 0 });
      expect(outputOf(folder)).toEqual(expected.get(variant));
    }
  });
});

/** A kill and what follows it take two to five seconds, on a busy machine several times that. */
function timeoutMs(kills: number): number {
  return 120_000 + kills * 30_000;
}

/** Length of all journals: it changes when an answer is journaled, and when a shard is committed. */
function journaledBytes(folder: string): number {
  const journals = join(folder, 'out/_sluice/journal');
  const names = existsSync(journals) ? readdirSync(journals) : [];
  // One that goes between the two looks has changed, too.
  return names.reduce(
    (sum, name) => sum + (statSync(join(journals, name), { throwIfNoEntry: false })?.size ?? 0),
    0,
  );
}

/** Resolves `moreMs` after the condition first holds. */
async function reached(condition: () => boolean, moreMs: number): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 1));
  await new Promise((resolve) => setTimeout(resolve, moreMs));
}
