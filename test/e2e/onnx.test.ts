import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { companyModel } from '../models/company.ts';
import { besideModel } from '../models/beside.ts';
import { type ModelFiles, writeModel } from '../models/files.ts';
import { lookupModel } from '../models/lookup.ts';
import { temporaryFolder } from '../temporary.ts';
import { sluice, start } from './sluice.ts';

const fixtures = resolve(import.meta.dirname, '../../fixtures');
const moby = join(fixtures, 'quickstart/moby-dick.parquet');

function writeJob(folder: string, changes: { model?: string; backend?: string; limits?: string } = {}): void {
  writeFileSync(
    join(folder, 'job.yaml'),
    `task: text-classification
model: ${changes.model ?? 'sluice/afinn-sentiment'}
source: ${moby}
inputs: {text: text}
backend: ${changes.backend ?? `{type: onnx, model_dir: ${fixtures}/models}`}
limits: ${changes.limits ?? '{}'}
output: {path: out, format: jsonl, keep: [chapter, sentence, text], rows_per_part: 1000}
`,
  );
}

/** SHA-256 of every part, by name. */
function parts(folder: string): Record<string, string> {
  const names = readdirSync(join(folder, 'out')).filter((name) => name.startsWith('part-'));
  return Object.fromEntries(
    names.map((name) => [
      name,
      createHash('sha256')
        .update(readFileSync(join(folder, 'out', name)))
        .digest('hex'),
    ]),
  );
}

/** Processes whose parent is this one. */
function childrenOf(pid: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => statOf(name)?.split(') ')[1]?.split(' ')[1] === String(pid))
    .map(Number);
}

function statOf(pid: string): string | undefined {
  const path = `/proc/${pid}/stat`;
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // It ended while we looked.
    return undefined;
  }
}

describe('a local model', () => {
  test('answers every row once and in order, and a second run loads nothing', async () => {
    const folder = temporaryFolder();
    writeJob(folder);
    expect(await sluice(folder, ['run', 'job.yaml'])).toMatchObject({ code: 0 });
    const rows = Object.keys(parts(folder))
      .sort()
      .flatMap((name) =>
        readFileSync(join(folder, 'out', name), 'utf8')
          .trim()
          .split('\n'),
      )
      .map((line) => JSON.parse(line));
    expect(rows).toHaveLength(3000);
    expect(rows.filter(({ error }) => error !== null)).toEqual([]);
    expect(new Set(rows.map(({ label }) => label))).toEqual(new Set(['NEGATIVE', 'NEUTRAL', 'POSITIVE']));
    const joyful = rows.find(({ text }) => text.includes('delightful'));
    expect(joyful).toMatchObject({ label: 'POSITIVE' });
    const before = parts(folder);
    // Workers would fail to start: there are none to start when nothing is left to do.
    expect(await sluice(folder, ['run', 'job.yaml', '--set', 'backend.workers=100000'])).toMatchObject({
      code: 0,
    });
    expect(parts(folder)).toEqual(before);
  });

  test('with any number of workers and threads the parts are the same bytes', async () => {
    const [one, three] = [temporaryFolder(), temporaryFolder()];
    for (const [folder, backend] of [
      [one, '{type: onnx, workers: 1, threads: 2}'],
      [three, '{type: onnx, workers: 3}'],
    ] as const) {
      writeModel(join(folder, 'model'), companyModel(16));
      writeJob(folder, { model: './model', backend });
      expect(await sluice(folder, ['run', 'job.yaml'])).toMatchObject({ code: 0 });
    }
    expect(parts(three)).toEqual(parts(one));
  });

  test('another window or number format is another job: a run does not mix their answers', async () => {
    const folder = temporaryFolder();
    writeJob(folder);
    expect(await sluice(folder, ['run', 'job.yaml', '--limit', '100'])).toMatchObject({ code: 0 });
    const changed = await sluice(folder, ['run', 'job.yaml', '--set', 'limits.batch_size=64']);
    expect(changed).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('limits.batch_size: was "auto", is 64'),
    });
    expect(await sluice(folder, ['run', 'job.yaml', '--set', 'backend.workers=1'])).toMatchObject({
      code: 0,
    });
  });

  test('a model whose files have changed is another model: which file it is, is said', async () => {
    const folder = temporaryFolder();
    const model = join(folder, 'model');
    writeModel(model, companyModel(4));
    writeJob(folder, { model: './model', backend: 'onnx' });
    const run = () => sluice(folder, ['run', 'job.yaml', '--limit', '100']);
    expect(await run()).toMatchObject({ code: 0 });
    const record = JSON.parse(readFileSync(join(folder, 'out/_sluice/shards/00000.json'), 'utf8'));
    expect(record).toMatchObject({ model: './model', model_sha256: expect.stringMatching(/^[0-9a-f]{64}$/) });
    // The same bytes with another time: a model that was copied anew.
    const weights = join(model, 'onnx/model.onnx');
    utimesSync(weights, 1e9, 1e9);
    expect(await run()).toMatchObject({ code: 0 });
    const config = join(model, 'config.json');
    const text = readFileSync(config, 'utf8');
    writeFileSync(config, text.replace('"A"', '"Z"'));
    writeFileSync(join(model, 'tokenizer_config.json'), '{"model_max_length": 7}');
    const refused = await run();
    expect(refused).toMatchObject({ code: 2 });
    expect(refused.stderr).toMatch(/model's config\.json: was "[0-9a-f]{12}", is "[0-9a-f]{12}"/);
    expect(refused.stderr).toContain("model's tokenizer_config.json: was ");
    expect(refused.stderr).not.toContain('model.onnx');
    expect((await sluice(folder, ['plan', 'job.yaml', '--limit', '100'])).stdout).toMatch(
      /another version of this job \(model's config\.json, model's tokenizer_config\.json\)/,
    );
    expect(existsSync(join(folder, 'out/_SUCCESS'))).toBe(true);
  });

  test.each([
    ['return_timestamps: word', 'return_timestamps'],
    ['generation_parameters: {max_new_tokens: 5}', 'generation_parameters'],
  ])(
    'a parameter that a model of its kind cannot heed is said before the first row: %s',
    async (given, name) => {
      const folder = temporaryFolder();
      writeModel(join(folder, 'model'), {
        'config.json': '{"architectures": ["Wav2Vec2ForCTC"]}',
        'onnx/model.onnx': 'never loaded',
      });
      writeFileSync(join(folder, 'one.wav'), 'no sound');
      writeFileSync(
        join(folder, 'job.yaml'),
        `task: automatic-speech-recognition
model: ./model
source: {path: "*.wav", format: files}
inputs: {audio: content}
parameters: {${given}}
backend: onnx
output: {path: out, format: jsonl}
`,
      );
      for (const command of ['plan', 'run']) {
        expect(await sluice(folder, [command, 'job.yaml'])).toMatchObject({
          code: 2,
          stderr: expect.stringMatching(`parameters.${name}: .*Wav2Vec2ForCTC[^]*leave it out`),
        });
      }
      expect(existsSync(join(folder, 'out'))).toBe(false);
    },
  );

  test.each([
    [
      'a model that is not there',
      { model: 'acme/none' },
      3,
      /model acme\/none: is not on this machine.*\n {2}sluice models pull acme\/none\n/,
    ],
    [
      'in which number format it is to be fetched',
      { model: 'acme/none', backend: '{type: onnx, dtype: q8}' },
      3,
      /\n {2}sluice models pull acme\/none --dtype q8\n/,
    ],
    ['a folder that is not there', { model: './none' }, 3, /model \.\/none: there is no such folder/],
    [
      'a number format that is not there',
      { backend: `{type: onnx, model_dir: ${fixtures}/models, dtype: q4}` },
      3,
      /onnx\/model_q4\.onnx is missing; it has onnx\/model\.onnx/,
    ],
    ['a folder for the API', { model: './model', backend: 'api' }, 2, /only the onnx backend can use/],
    [
      'a device that is not there',
      { backend: `{type: onnx, model_dir: ${fixtures}/models, device: cuda}` },
      3,
      /backend\.device cuda: cannot be used[\s\S]*set backend\.device: cpu/,
    ],
  ] as const)('%s is said before the first row', async (_, changes, code, words) => {
    const folder = temporaryFolder();
    writeJob(folder, changes);
    const ended = await sluice(folder, ['run', 'job.yaml'], { HF_HOME: join(folder, 'hf') });
    expect(ended).toMatchObject({ code, stderr: expect.stringMatching(words) });
    expect(existsSync(join(folder, 'out/_sluice/journal/00000.journal'))).toBe(false);
  });

  test.each([
    [
      'a model of an unknown architecture that gives something else than the task needs',
      lookupModel({ shape: 'tokens', words: {}, other: [0, 0], config: { architectures: ['Tayloria'] } }),
      /model \.\/model: gives logits of the shape .*the task needs numbers for each text/,
    ],
    [
      'a file of weights that is missing',
      { ...besideModel('model.onnx_data'), 'onnx/model.onnx_data': undefined },
      /model \.\/model: .*onnx\/model\.onnx_data is missing/,
    ],
  ])('%s is said before the first row', async (_, files, words) => {
    const folder = temporaryFolder();
    const present = Object.entries(files).filter(([, content]) => content !== undefined);
    writeModel(join(folder, 'model'), Object.fromEntries(present) as ModelFiles);
    writeJob(folder, { model: './model', backend: 'onnx' });
    const ended = await sluice(folder, ['run', 'job.yaml']);
    expect(ended).toMatchObject({ code: 3, stderr: expect.stringMatching(words) });
    expect(existsSync(join(folder, 'out/_sluice/journal/00000.journal'))).toBe(false);
  });
});

test('in shares the same bytes as whole, though windows follow what is left of the plan', async () => {
  const [whole, shared] = [temporaryFolder(), temporaryFolder()];
  for (const folder of [whole, shared]) {
    writeModel(join(folder, 'model'), companyModel(1));
    writeJob(folder, { model: './model', backend: '{type: onnx, workers: 1}' });
  }
  expect(await sluice(whole, ['run', 'job.yaml'])).toMatchObject({ code: 0 });
  for (const share of ['1/2', '2/2'])
    expect(await sluice(shared, ['run', 'job.yaml', '--shard', share])).toMatchObject({ code: 0 });
  expect(Object.keys(parts(whole))).toHaveLength(3);
  expect(parts(shared)).toEqual(parts(whole));
});

describe('kill -9', () => {
  let quiet: Record<string, string> | undefined;
  const backend = '{type: onnx, workers: 2}';
  const prepared = () => {
    const folder = temporaryFolder();
    writeModel(join(folder, 'model'), companyModel(700));
    // Small windows: many of them to be killed in.
    writeJob(folder, { model: './model', backend, limits: '{batch_size: 64}' });
    return folder;
  };

  /** The parts of a run that nobody disturbed; made once. */
  const quietParts = async () => {
    if (quiet !== undefined) return quiet;
    const folder = prepared();
    expect(await sluice(folder, ['run', 'job.yaml'])).toMatchObject({ code: 0 });
    quiet = parts(folder);
    expect(Object.keys(quiet)).toHaveLength(3);
    return quiet;
  };

  test('of the job at any moment, resumed each time: the same bytes as a run never killed', async () => {
    const folder = prepared();
    let kills = 0;
    for (let attempt = 0; attempt < 40; attempt++) {
      const run = start(folder, ['run', 'job.yaml']);
      const ended = await Promise.race([run.finished.then(() => true), grown(folder, 1 + (attempt % 5))]);
      if (ended) break;
      run.process.kill('SIGKILL');
      await run.finished;
      kills++;
    }
    expect(kills).toBeGreaterThan(3);
    expect(await sluice(folder, ['run', 'job.yaml'])).toMatchObject({ code: 0 });
    expect(parts(folder)).toEqual(await quietParts());
    // Up to forty starts of a process with its workers: minutes where the machine has other work.
  }, 240_000);

  test('of single workers: they are replaced, and the parts are the same bytes', async () => {
    const folder = prepared();
    const run = start(folder, ['run', 'job.yaml']);
    let ended = false;
    void run.finished.then(() => {
      ended = true;
    });
    let kills = 0;
    while (!ended) {
      await Promise.race([run.finished, grown(folder, 1)]);
      const [worker] = childrenOf(run.process.pid!);
      if (worker !== undefined && !ended) {
        process.kill(worker, 'SIGKILL');
        kills++;
      }
    }
    expect((await run.finished).code).toBe(0);
    expect(kills).toBeGreaterThan(3);
    expect(parts(folder)).toEqual(await quietParts());
  });

  test.each([
    ['Ctrl-C', 'SIGINT', 130],
    ['a terminal that is closed', 'SIGHUP', 143],
  ] as const)(
    '%s stops within seconds with what was answered, and leaves no worker behind',
    async (_, signal, exit) => {
      const folder = prepared();
      const run = start(folder, ['run', 'job.yaml']);
      await grown(folder, 1);
      const workers = childrenOf(run.process.pid!);
      expect(workers).toHaveLength(2);
      const asked = performance.now();
      // Both reach all processes of the terminal.
      for (const pid of [...workers, run.process.pid!]) process.kill(pid, signal);
      const { code, stderr } = await run.finished;
      expect(code).toBe(exit);
      expect(stderr).not.toContain('worker was ended');
      expect(performance.now() - asked).toBeLessThan(10_000);
      expect(workers.filter((pid) => statOf(String(pid)) !== undefined)).toEqual([]);
      expect(await sluice(folder, ['run', 'job.yaml'])).toMatchObject({ code: 0 });
      expect(parts(folder)).toEqual(await quietParts());
    },
  );
});

/** Resolves to false when journals and parts of the run have grown by so many answers' worth of bytes. */
async function grown(folder: string, windows: number): Promise<false> {
  const bytes = () =>
    ['out/_sluice/journal', 'out'].reduce((sum, name) => {
      const path = join(folder, name);
      if (!existsSync(path)) return sum;
      return (
        sum +
        readdirSync(path, { withFileTypes: true }).filter((entry) => entry.isFile()).length +
        sizeOf(path)
      );
    }, 0);
  const target = bytes() + windows * 10_000;
  while (bytes() < target) await new Promise((done) => setTimeout(done, 5));
  return false;
}

function sizeOf(folder: string): number {
  let size = 0;
  for (const name of readdirSync(folder)) {
    // In one call: a journal is removed as soon as its shard is committed.
    if (/\.(journal|jsonl)$/.test(name))
      size += statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0;
  }
  return size;
}
