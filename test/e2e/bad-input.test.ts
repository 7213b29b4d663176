import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { startEmulator } from '../../src/emulator/emulator.ts';
import { temporaryFolder } from '../temporary.ts';
import { sluice } from './sluice.ts';

const moby = resolve(import.meta.dirname, '../../fixtures/quickstart/moby-dick.parquet');

/** A disk of a few kilobytes needs the right to mount one; where there is none the test is skipped by name. */
const canMount = process.platform === 'linux' && process.getuid?.() === 0 && mountWorks();

function mountWorks(): boolean {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-mount-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', folder], { stdio: 'ignore' });
    execFileSync('umount', [folder]);
    return true;
  } catch {
    return false;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** A folder with a job in it; `changes` replace lines of a good one. */
function folderWith(job: Record<string, string>, files: Record<string, string | Uint8Array> = {}): string {
  const folder = temporaryFolder();
  const lines = {
    task: 'text-classification',
    model: 'acme/sentiment',
    source: 'rows.csv',
    inputs: '{text: text}',
    backend: '{type: api, url: "http://127.0.0.1:9"}',
    output: '{path: out}',
    ...job,
  };
  writeFileSync(
    join(folder, 'job.yaml'),
    Object.entries(lines)
      .map(([key, value]) => `${key}: ${value}\n`)
      .join(''),
  );
  writeFileSync(join(folder, 'rows.csv'), 'id,text\n1,good\n2,bad\n');
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
  return folder;
}

/** What goes wrong, the exit code of design section 5, and the words that a user needs. */
const cases: {
  name: string;
  job?: Record<string, string>;
  files?: Record<string, string | Uint8Array>;
  code: number;
  says: RegExp[];
}[] = [
  { name: 'no such file', job: { source: 'rowz.csv' }, code: 3, says: [/rowz\.csv/, /rows\.csv/] },
  {
    name: 'an empty file',
    job: { source: 'empty.csv' },
    files: { 'empty.csv': '' },
    code: 3,
    says: [/empty\.csv/, /empty/],
  },
  {
    name: 'a truncated Parquet file',
    job: { source: 'cut.parquet' },
    files: { 'cut.parquet': readFileSync(moby).subarray(0, 50_000) },
    code: 3,
    says: [/cut\.parquet/],
  },
  {
    name: 'a CSV file called .parquet',
    job: { source: 'rows.parquet' },
    files: { 'rows.parquet': 'id,text\n1,good\n' },
    code: 3,
    says: [/rows\.parquet/, /not.*Parquet|CSV|text/i],
  },
  {
    name: 'a JSONL file whose only line is torn',
    job: { source: 'torn.jsonl' },
    files: { 'torn.jsonl': '{"text":"good' },
    code: 3,
    says: [/source cannot be read: torn\.jsonl/, /line 1: not valid JSON: \{"text":"good/],
  },
  {
    name: 'an unknown field',
    job: { limits: '{concurency: 8}' },
    code: 2,
    says: [/job\.yaml:7:\d+/, /concurency/, /concurrency/, /\^/],
  },
  {
    name: 'an unknown column',
    job: { inputs: '{text: txet}' },
    code: 2,
    says: [/job\.yaml:4:\d+/, /txet/, /text/, /\^/],
  },
  { name: 'an unknown task', job: { task: 'text-clasification' }, code: 2, says: [/text-classification/] },
  { name: 'a wrong type', job: { limits: '{timeout_s: soon}' }, code: 2, says: [/timeout_s/, /number/] },
  {
    name: 'an unset variable',
    job: { backend: '{type: api, url: "http://127.0.0.1:9", token: "${NO_SUCH_TOKEN}"}' },
    code: 2,
    says: [/NO_SUCH_TOKEN/],
  },
  {
    name: 'a kept column that collides with a result column',
    job: { source: 'labels.csv', output: '{path: out, keep: [label]}' },
    files: { 'labels.csv': 'text,label\na,b\n' },
    code: 2,
    says: [/label/, /prefix|columns/],
  },
  {
    name: 'a condition that does not parse',
    job: { source: '{path: rows.csv, where: "id >"}' },
    code: 2,
    says: [/where|id >/],
  },
  { name: 'YAML that is none', job: { limits: '{a: [' }, code: 2, says: [/job\.yaml:\d+:\d+/] },
];

describe('bad input', () => {
  test.each(cases)(
    '$name: exit $code, with what, where and the next step',
    async ({ job, files, code, says }) => {
      const folder = folderWith(job ?? {}, files);
      const result = await sluice(folder, ['run', 'job.yaml', '--log-format', 'json']);
      for (const pattern of says) expect(result.stderr).toMatch(pattern);
      expect(result.code).toBe(code);
      expect(result.stderr).not.toMatch(/\n\s+at /);
    },
  );

  test('all problems of a job file are listed at once', async () => {
    const folder = folderWith({ task: 'text-clasification', limits: '{concurency: 8, timeout_s: soon}' });
    const result = await sluice(folder, ['check', 'job.yaml']);
    expect(result.code).toBe(2);
    for (const word of ['text-clasification', 'concurency', 'timeout_s'])
      expect(result.stderr).toContain(word);
  });

  test('no such job file: exit 2', async () => {
    const result = await sluice(temporaryFolder(), ['run', 'nowhere.yaml']);
    expect(result.code).toBe(2);
    expect(result.stderr).toContain('nowhere.yaml');
  });

  test.skipIf(!existsSync('/dev/zero'))('a job file without end: exit 2', async () => {
    const result = await sluice(temporaryFolder(), ['check', '/dev/zero']);
    expect(result).toMatchObject({ code: 2, stderr: expect.stringMatching(/dev\/zero .*larger than 4 MiB/) });
  });

  test('an unknown option or command: exit 2', async () => {
    expect((await sluice(temporaryFolder(), ['run', 'job.yaml', '--frehs'])).code).toBe(2);
    expect((await sluice(temporaryFolder(), ['rnu', 'job.yaml'])).code).toBe(2);
  });

  test('an output that is a file: exit 3, and nothing was sent', async () => {
    const folder = folderWith({}, { out: 'a file' });
    const result = await sluice(folder, ['run', 'job.yaml']);
    expect(result.code).toBe(3);
    expect(result.stderr).toMatch(/out/);
  });

  test.skipIf(process.getuid?.() === 0)('an output that may not be written: exit 3', async () => {
    const folder = folderWith({});
    mkdirSync(join(folder, 'out'));
    chmodSync(join(folder, 'out'), 0o500);
    expect((await sluice(folder, ['run', 'job.yaml'])).code).toBe(3);
  });

  test.skipIf(process.platform !== 'linux')('an output where no folder can be made: exit 3', async () => {
    const result = await sluice(folderWith({ output: '{path: /sys/sluice}' }), ['run', 'job.yaml']);
    expect(result.code).toBe(3);
    expect(result.stderr).toMatch(/\/sys\/sluice: cannot be written/);
  });

  test.skipIf(!canMount)(
    'a full disk: exit 3 with the path and the reason; what was answered is kept, and the next run goes on',
    async () => {
      const emulator = await startEmulator({ port: 0 });
      const disk = temporaryFolder();
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=192k', 'tmpfs', disk]);
      try {
        const folder = folderWith({
          source: moby,
          backend: `{type: api, url: "${emulator.url}"}`,
          output: `{path: ${join(disk, 'out')}, rows_per_part: 500, keep: [text]}`,
        });
        const full = await sluice(folder, ['run', 'job.yaml', '--log-format', 'json']);
        expect(full.stderr).toMatch(/ENOSPC|no space left/i);
        expect(full.stderr).toContain(join(disk, 'out'));
        expect(full.code).toBe(3);
        execFileSync('mount', ['-o', 'remount,size=16m', disk]);
        const asked = emulator.stats().requests;
        expect(await sluice(folder, ['run', 'job.yaml'])).toMatchObject({ code: 0 });
        // Asked twice at most: what was in flight, and the groups that did not fit.
        expect(emulator.stats().requests).toBeLessThanOrEqual(3000 + Math.min(asked, 32 + 2 * 2048));
        expect(emulator.stats().requests - asked).toBeLessThanOrEqual(3000);
        const status = JSON.parse((await sluice(folder, ['status', join(disk, 'out'), '--json'])).stdout);
        expect(status.ledger).toMatchObject({ read: 3000, succeeded: 3000, pending: 0 });
      } finally {
        await emulator.close();
        execFileSync('umount', [disk]);
      }
    },
  );

  test('a folder that holds something else is not written to', async () => {
    const folder = folderWith({});
    mkdirSync(join(folder, 'out'));
    writeFileSync(join(folder, 'out', 'part-00000.parquet'), 'somebody else wrote this');
    const result = await sluice(folder, ['run', 'job.yaml']);
    expect(result.code).toBe(3);
    expect(readFileSync(join(folder, 'out', 'part-00000.parquet'), 'utf8')).toBe('somebody else wrote this');
  });

  test('a wrong token: exit 3 within seconds, one message, nothing marked failed, the token nowhere', async () => {
    const emulator = await startEmulator({ port: 0, token: 'right-token' });
    try {
      const folder = folderWith({ backend: `{type: api, url: "${emulator.url}", token: "\${HF_TOKEN}"}` });
      const result = await sluice(folder, ['run', 'job.yaml'], { HF_TOKEN: 'wrong-secret-token' });
      expect(result.code).toBe(3);
      expect(result.stderr).toMatch(/401/);
      expect(result.stderr).not.toContain('wrong-secret-token');
      const status = JSON.parse((await sluice(folder, ['status', 'out', '--json'])).stdout);
      expect(status.ledger).toMatchObject({ read: 2, succeeded: 0, failed: 0, pending: 2 });
    } finally {
      await emulator.close();
    }
  });

  test('a torn JSONL line is a failed row with its line; the next row goes on', async () => {
    const emulator = await startEmulator({ port: 0 });
    try {
      const folder = folderWith(
        {
          source: 'rows.jsonl',
          backend: `{type: api, url: "${emulator.url}"}`,
          output: '{path: out, format: jsonl, keep: [id]}',
        },
        { 'rows.jsonl': '{"id":1,"text":"good"}\n{"id":2,"text":"to\n{"id":3,"text":"bad"}\n' },
      );
      expect((await sluice(folder, ['run', 'job.yaml'])).code).toBe(0);
      const rows = readFileSync(join(folder, 'out', 'part-00000.jsonl'), 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line));
      expect(rows).toMatchObject([
        { id: 1, label: 'POSITIVE', error: null },
        { id: null, label: null, error: expect.stringMatching(/line 2/) },
        { id: 3, label: 'NEGATIVE', error: null },
      ]);
    } finally {
      await emulator.close();
    }
  });

  test('what is wrong with fields and what is wrong with columns is told in one go', async () => {
    const folder = folderWith({
      source: '{path: rows.csv, where: txet IS NOT NULL}',
      inputs: '{text: txt}',
      parameters: '{top_kk: 3}',
      limits: '{concurency: 3}',
      output: '{path: out, keep: [idd, text], columns: {lable: x, label: text}}',
    });
    for (const command of ['check', 'run']) {
      const result = await sluice(folder, [command, 'job.yaml']);
      expect(result.code).toBe(2);
      for (const words of [
        /job\.yaml:\d+:\d+: .*unknown column: txet — Did you mean text\?/,
        /unknown column "txt" — did you mean "text"\?/,
        /no parameter "top_kk" — did you mean "top_k"\?/,
        /unknown field "concurency" in limits — did you mean "concurrency"\?/,
        /no column "idd" — did you mean "id"\?/,
        /no result column "lable" — did you mean "label"\?/,
        /two columns named "text"/,
      ])
        expect(result.stderr).toMatch(words);
    }
  });

  test('columns are checked although the task is unknown, and a missing source is told beside other mistakes', async () => {
    const unknownTask = await sluice(folderWith({ task: 'text-clasification', inputs: '{text: txt}' }), [
      'check',
      'job.yaml',
    ]);
    expect(unknownTask).toMatchObject({ code: 2 });
    expect(unknownTask.stderr).toMatch(/unknown task/);
    expect(unknownTask.stderr).toMatch(/unknown column "txt" — did you mean "text"\?/);
    const noSource = await sluice(folderWith({ source: 'rowz.csv', modle: 'x' }), ['check', 'job.yaml']);
    expect(noSource).toMatchObject({ code: 2 });
    expect(noSource.stderr).toMatch(/unknown field "modle"/);
    expect(noSource.stderr).toMatch(
      /job\.yaml:\d+:\d+: source does not exist: rowz\.csv — Did you mean rows\.csv\?/,
    );
  });
});
