import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Engine } from '../../src/duckdb/engine.ts';
import type { Job } from '../../src/spec/job.ts';
import { answering, jobOf, type RunHow, runHere } from '../crash/in-process.ts';
import { temporaryFolder } from '../temporary.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await Engine.open();
});
afterAll(() => engine.close());

function writeRows(folder: string, partition: string, ...texts: string[]): void {
  const path = join(folder, 'data', partition, 'rows.jsonl');
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, texts.map((text) => `${JSON.stringify({ text })}\n`).join(''));
}

/** A finished output of two partitions; a row of the first one failed. */
async function finished(): Promise<{ folder: string; out: string; elsewhere: string; job: Job }> {
  const folder = temporaryFolder();
  writeRows(folder, 'a=1/b=1', 'good', '[[poison]]');
  writeRows(folder, 'a=2/b=1', 'fine');
  const out = join(folder, 'out');
  const job = jobOf(`task: text-classification
model: acme/any
source: ${join(folder, 'data')}
inputs: {text: text}
backend: {type: api, url: "http://127.0.0.1:9"}
output: {path: ${out}, format: jsonl}
`);
  expect((await runHere(job, engine, answering(job))).outcome).toEqual({ exit: 0 });
  return { folder, out, elsewhere: join(folder, 'elsewhere'), job };
}

/** Moves something of an output to another place, and puts a link there. */
function moveAway(path: string, elsewhere: string): void {
  renameSync(path, elsewhere);
  symlinkSync(elsewhere, path);
}

/** Every file below a folder, with its content. */
function contentOf(folder: string): [string, string][] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry): [string, string] => {
      const path = join(entry.parentPath, entry.name);
      return [path, readFileSync(path, 'base64')];
    })
    .sort();
}

describe('a folder of the output that has become a symbolic link is refused, and nothing is asked or changed', () => {
  test.each<[string, string, RunHow, (folder: string) => void]>([
    ['by a run that has nothing to do', 'a=1/b=1', {}, () => undefined],
    ['by a run with changed rows', 'a=1/b=1', {}, (folder) => writeRows(folder, 'a=1/b=1', 'other')],
    ['above the folder of the part', 'a=1', {}, (folder) => writeRows(folder, 'a=1/b=1', 'other')],
    ['by retry', 'a=1/b=1', { retry: {} }, () => undefined],
    ['by --fresh, which removes parts', 'a=1/b=1', { fresh: true }, () => undefined],
    [
      'by --prune, which removes parts',
      'a=1',
      { prune: true },
      (f) => rmSync(join(f, 'data/a=1'), { recursive: true }),
    ],
    [
      'by a run whose source has lost those rows',
      'a=1',
      {},
      (f) => rmSync(join(f, 'data/a=1'), { recursive: true }),
    ],
  ])('%s', async (_, name, how, change) => {
    const { folder, out, elsewhere, job } = await finished();
    moveAway(join(out, name), elsewhere);
    change(folder);
    const before = [contentOf(out), contentOf(elsewhere)];
    const backend = answering(job, { healed: true });
    await expect(runHere(job, engine, backend, how)).rejects.toMatchObject({
      code: 'OUTPUT_LINK',
      exit: 3,
      message: expect.stringContaining(`output ${join(out, name)}: is a symbolic link`),
    });
    expect(backend.asked).toEqual([]);
    expect([contentOf(out), contentOf(elsewhere)]).toEqual(before);
    // With the folder back in its place all is as if nothing had been.
    rmSync(join(out, name));
    renameSync(elsewhere, join(out, name));
    expect((await runHere(job, engine, backend, how)).outcome).toEqual({ exit: 0 });
  });

  test('that of a partition which has come since', async () => {
    const { folder, out, elsewhere, job } = await finished();
    mkdirSync(elsewhere);
    symlinkSync(elsewhere, join(out, 'a=3'));
    writeRows(folder, 'a=3/b=1', 'new');
    const backend = answering(job);
    await expect(runHere(job, engine, backend)).rejects.toMatchObject({ code: 'OUTPUT_LINK' });
    expect(backend.asked).toEqual([]);
    expect(existsSync(join(out, '_SUCCESS'))).toBe(true);
  });

  test.each(['tmp', 'journal/00000.journal'])('_sluice/%s', async (name) => {
    const { folder, out, elsewhere, job } = await finished();
    writeRows(folder, 'a=1/b=1', 'other');
    if (name === 'tmp') mkdirSync(elsewhere);
    else writeFileSync(elsewhere, 'of somebody else');
    symlinkSync(elsewhere, join(out, '_sluice', name));
    const backend = answering(job);
    await expect(runHere(job, engine, backend)).rejects.toMatchObject({ code: 'OUTPUT_LINK' });
    expect(backend.asked).toEqual([]);
    if (name !== 'tmp') expect(readFileSync(elsewhere, 'utf8')).toBe('of somebody else');
  });

  test('when that happens while a run is going on, it ends before it commits; its answers are kept', async () => {
    const { folder, out, elsewhere, job } = await finished();
    writeRows(folder, 'a=1/b=1', 'other');
    const backend = answering(job);
    const before = contentOf(join(out, 'a=1'));
    const { outcome } = await runHere(job, engine, {
      ...backend,
      call: (questions, how) => {
        moveAway(join(out, 'a=1'), elsewhere);
        return backend.call(questions, how);
      },
    });
    expect(outcome).toMatchObject({ exit: 3, message: expect.stringContaining('is a symbolic link') });
    expect(contentOf(elsewhere).map(([, content]) => content)).toEqual(before.map(([, content]) => content));
    rmSync(join(out, 'a=1'));
    cpSync(elsewhere, join(out, 'a=1'), { recursive: true });
    expect((await runHere(job, engine, backend)).outcome).toEqual({ exit: 0 });
    expect(backend.asked).toEqual(['other']);
    expect(readFileSync(join(out, 'a=1/b=1/part-00000.jsonl'), 'utf8')).toMatch(/^\{.*\n$/);
  });
});
