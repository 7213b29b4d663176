import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { companyModel } from '../models/company.ts';
import { writeModel } from '../models/files.ts';
import { temporaryFolder } from '../temporary.ts';
import { withEmulator } from './emulated.ts';
import { sluice } from './sluice.ts';

const fixtures = resolve(import.meta.dirname, '../../fixtures');

function folderWith(job: string, lines: readonly string[] = rows): string {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'rows.jsonl'), `${lines.join('\n')}\n`);
  writeFileSync(join(folder, 'job.yaml'), job);
  return folder;
}

const rows = Array.from(
  { length: 60 },
  (_, i) => `{"id":${i},"text":"${['what a wonderful', 'a terrible'][i % 2]} day, number ${i}"}`,
);

const sentiment = (backend: string, where = '') => `task: text-classification
model: sluice/afinn-sentiment
source: {path: rows.jsonl${where}}
inputs: {text: text}
backend: ${backend}
retry: {base_delay_ms: 1, max_delay_ms: 5, max_attempts: 3, give_up_after_s: 0.5}
output: {path: out}
`;

const both = (url: string) => `{url: "${url}", model_dir: "${fixtures}/models"}`;

describe('compare', () => {
  test('asks the API and the model of this machine the same first rows, shows how they agree, and writes nothing', async () => {
    await withEmulator({}, async (emulator) => {
      const folder = folderWith(sentiment(both(emulator.url), ', where: "id >= 10"'));
      const args = ['compare', 'job.yaml', '--with', 'onnx', '-n', '20', '--min-agreement', '0.5'];
      // ONNX Runtime keeps a folder of its own in the home directory.
      const { code, stdout } = await sluice(folder, args, { HOME: temporaryFolder() });
      expect(code).toBe(0);
      expect(emulator.stats().requests).toBe(20);
      expect(stdout).toContain('api (sluice/afinn-sentiment) and onnx (sluice/afinn-sentiment');
      expect(stdout).toContain('on the first 20 rows that source.where lets pass; both answered 20');
      expect(stdout).toMatch(/same best label +1 +≥ 0\.5 +yes/);
      expect(stdout).toMatch(/row +text +api → label +onnx → label +api → score +onnx → score/);
      expect(stdout).toContain('day, number 1');
      expect(readdirSync(folder).sort()).toEqual(['job.yaml', 'rows.jsonl']);
    });
  });

  test('two backends that agree too little exit 4 with the measures that miss their thresholds', async () => {
    await withEmulator({}, async (emulator) => {
      // Of a text without any feeling the word list says NEUTRAL, a label that the emulator does not have.
      const lines = ['{"text":"a table"}', '{"text":"a chair"}', '{"text":"a wonderful day"}'];
      const folder = folderWith(sentiment(both(emulator.url)), lines);
      const { code, stdout, stderr } = await sluice(folder, ['compare', 'job.yaml', '--with', 'onnx']);
      expect(code).toBe(4);
      expect(stdout).toMatch(/same best label +0\.3333 +≥ 0\.95 +no/);
      expect(stdout).toMatch(/ 0 +a table +(NEGATIVE|POSITIVE) +NEUTRAL/);
      expect(stderr).toContain('agree too little: same best label is 0.3333, wanted ≥ 0.95');
    });
  });

  test('two servers that answer alike agree in full, also where they fail now and then', async () => {
    await withEmulator({ seed: 1, faults: { 500: 0.2 } }, (one) =>
      withEmulator({ seed: 2, faults: { 503: 0.2 } }, async (two) => {
        const folder = folderWith(
          sentiment(`{url: "${one.url}"}`)
            .replace('max_attempts: 3', 'max_attempts: 20')
            .replace('give_up_after_s: 0.5', 'give_up_after_s: 60'),
        );
        const args = ['compare', 'job.yaml', '--with', 'api', '--other-set', `backend.url=${two.url}`];
        const { code, stdout } = await sluice(folder, args);
        expect(code).toBe(0);
        expect(stdout).toMatch(/answered or refused by both +1 +≥ 0\.99 +yes/);
        expect(stdout).toMatch(/difference of its score +0 +≤ 0\.05 +yes/);
        expect(stdout).not.toContain('agree least');
        expect(one.stats().requests).toBeGreaterThan(60);
        expect(two.stats().requests).toBeGreaterThan(60);
      }),
    );
  });

  test('a row that one side alone refuses is among the worst, with its error', async () => {
    await withEmulator({}, async (emulator) => {
      const folder = folderWith(sentiment(both(emulator.url)), [
        ...rows.slice(0, 9),
        '{"text":"a [[poison]]"}',
      ]);
      const args = ['compare', 'job.yaml', '--with', 'onnx', '--min-agreement', '0.5'];
      const { code, stdout } = await sluice(folder, args);
      expect(code).toBe(0);
      expect(stdout).toMatch(/answered or refused by both +0\.9 /);
      expect(stdout).toMatch(/ 9 +a \[\[poison\]\] +call rejected: 400/);
    });
  });

  test('a local model is asked in the windows of a run, so its numbers are those of the run', async () => {
    const folder = folderWith(sentiment('{type: onnx}').replace('sluice/afinn-sentiment', './model'));
    writeModel(join(folder, 'model'), companyModel(4));
    const windows = ['--set', 'limits.batch_size=7'];
    expect(
      await sluice(folder, ['run', 'job.yaml', ...windows, '--set', 'output.format=jsonl']),
    ).toMatchObject({
      code: 0,
    });
    const answers = readFileSync(join(folder, 'out/part-00000.jsonl'), 'utf8').trim().split('\n');
    const scores = answers.map((line) => Number(JSON.parse(line).score.toPrecision(4)));
    const { stdout } = await sluice(folder, ['preview', 'job.yaml', '-n', '21', ...windows]);
    const previewed = [...stdout.matchAll(/number \d+ +[AB] +(\S+)/g)].map((match) => Number(match[1]));
    expect(previewed).toEqual(scores.slice(0, 21));
    const other = ['--with', 'onnx', '--other-set', 'limits.batch_size=7', '-n', '20'];
    const compared = await sluice(folder, ['compare', 'job.yaml', ...other]);
    expect(compared.stdout).toMatch(/difference of its score +0\.0*[1-9]/);
  });
});

describe('nobody is asked', () => {
  test.each([
    ['when nothing is different on the other side', ['--with', 'api'], 2, /backend is api already/],
    [
      'when the other side would read other rows',
      ['--with', 'onnx', '--other-set', 'source.limit=3'],
      2,
      /another source/,
    ],
    [
      'when the other side has no such model',
      ['--with', 'onnx', '--model', 'acme/none'],
      3,
      /acme\/none: is not on this machine/,
    ],
    [
      'when a field of the other side is wrong',
      ['--with', 'onnx', '--other-set', 'backend.dtyp=q8'],
      2,
      /did you mean "dtype"/,
    ],
    ['without --with', [], 2, /compare: --with is missing/],
    [
      'with an agreement that is none',
      ['--with', 'onnx', '--min-agreement', '95'],
      2,
      /wanted a number from 0 to 1/,
    ],
  ] as const)('%s', async (_, args, code, words) => {
    await withEmulator({}, async (emulator) => {
      const folder = folderWith(sentiment(both(emulator.url)));
      const ended = await sluice(folder, ['compare', 'job.yaml', ...args]);
      expect(ended).toMatchObject({ code, stdout: '', stderr: expect.stringMatching(words) });
      expect(emulator.stats().requests).toBe(0);
    });
  });
});

test('a side that refuses for good ends the comparison before the other one is asked', async () => {
  await withEmulator({ token: 'secret' }, (one) =>
    withEmulator({}, async (two) => {
      const folder = folderWith(sentiment(`{url: "${one.url}"}`));
      const args = ['compare', 'job.yaml', '--with', 'api', '--other-set', `backend.url=${two.url}`];
      expect(await sluice(folder, args)).toMatchObject({
        code: 3,
        stderr: expect.stringMatching(/job: .*401/),
      });
      expect(two.stats().requests).toBe(0);
    }),
  );
  const folder = folderWith(sentiment('{url: "http://127.0.0.1:9"}'));
  const down = ['compare', 'job.yaml', '--with', 'api', '--model', 'acme/other'];
  expect(await sluice(folder, down)).toMatchObject({ code: 75 });
});

test('a source without rows is no evidence: exit 4', async () => {
  await withEmulator({}, async (emulator) => {
    const folder = folderWith(sentiment(both(emulator.url), ', where: "id > 1000"'));
    const ended = await sluice(folder, ['compare', 'job.yaml', '--with', 'onnx']);
    expect(ended).toMatchObject({ code: 4, stderr: expect.stringContaining('no row was answered by both') });
  });
});
