import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import fc from 'fast-check';
import { parse } from 'yaml';
import { describe, expect, test } from 'vitest';
import { contracts } from '../../src/backends/api/contracts.ts';
import { localParameters } from '../../src/backends/onnx/parameters.ts';
import { formatProblems } from '../../src/spec/problem.ts';
import { readJob } from '../../src/spec/read-job.ts';
import { tasks } from '../../src/tasks/index.ts';

const good = `task: text-classification
model: owner/name
source: data/*.parquet
inputs:
  text: review
output:
  path: out/x
`;
const read = (text: string, env: Record<string, string> = {}, set: string[] = []) =>
  readJob(text, { file: 'job.yaml', env, set, catalogue: tasks, contracts, local: localParameters });
const problemsOf = (text: string, env: Record<string, string> = {}, set: string[] = []) =>
  read(text, env, set).problems.map(({ kind, line, column, message, suggestion }) =>
    [kind, `${line}:${column}`, `${message}${suggestion ? ` — ${suggestion}` : ''}`].join(' '),
  );

test('a URL as source or output is refused at its place, and not taken for a folder of that name', () => {
  const urls = good
    .replace('data/*.parquet', '{ path: [a.csv, s3://bucket/b.csv] }')
    .replace('out/x', 's3://bucket/out');
  expect(problemsOf(urls)).toEqual([
    'invalid-option 3:25 source.path is a URL: s3://bucket/b.csv — download the files and name the folder that they are in',
    'invalid-option 7:9 output.path is a URL: s3://bucket/out — name a folder of this machine, and copy its parts when the run is done',
  ]);
  expect(problemsOf(good.replace('data/*.parquet', 'https://host/a.csv'))).toEqual([
    'invalid-option 3:9 source.path is a URL: https://host/a.csv — download the files and name the folder that they are in',
  ]);
});

describe('a good job', () => {
  test('has every default filled in', () => {
    const { job, problems } = read(good);
    expect(problems).toEqual([]);
    expect(job).toMatchObject({
      name: 'job',
      task: 'text-classification',
      source: { paths: ['data/*.parquet'] },
      inputs: { text: { kind: 'column', column: 'review' } },
      options: { useCache: true, waitForModel: 'auto' },
      backend: {
        type: 'api',
        contract: 'hf',
        url: 'https://router.huggingface.co/hf-inference',
        headers: {},
      },
      limits: { concurrency: 'auto', batchSize: 1, timeoutS: 120 },
      retry: { maxAttempts: 8, baseDelayMs: 500, maxDelayMs: 30_000, giveUpAfterS: 600 },
      errors: { onRowError: 'keep', maxFailedRows: { share: 1 } },
      output: {
        path: 'out/x',
        format: 'parquet',
        keep: [],
        prefix: '',
        rowsPerPart: 10_000,
        compression: 'zstd',
      },
    });
  });

  test.each([
    [
      'a template',
      '"{{ title }}: {{ body | trim }}"',
      { kind: 'template', template: '{{ title }}: {{ body | trim }}' },
    ],
    ['an odd column name', '{column: "a {{ b"}', { kind: 'column', column: 'a {{ b' }],
    ['a literal', '{value: hello}', { kind: 'literal', value: 'hello' }],
  ])('binds an input to %s', (_, yaml, binding) => {
    expect(read(good.replace('text: review', `text: ${yaml}`)).job?.inputs.text).toEqual(binding);
  });

  test('aliases of tasks are resolved', () => {
    expect(read(good.replace('text-classification', 'sentiment-analysis')).job?.task).toBe(
      'text-classification',
    );
  });

  test('the token comes from HF_TOKEN where there is one, and is no error where there is none', () => {
    expect(read(good, { HF_TOKEN: 'hf_x' }).job?.backend).toMatchObject({ token: 'hf_x' });
    expect(read(good).job?.backend).not.toHaveProperty('token');
  });

  test('parts of a percentage and counts of failed rows', () => {
    expect(read(`${good}errors: {max_failed_rows: 0.5%}`).job?.errors.maxFailedRows).toEqual({
      share: 0.005,
    });
    expect(read(`${good}errors: {max_failed_rows: 10}`).job?.errors.maxFailedRows).toEqual({ rows: 10 });
  });
});

describe('environment variables', () => {
  test('stand in any text, with a default or without', () => {
    const { job } = read(good.replace('out/x', '${OUT:-out}/${DAY}'), { DAY: 'monday' });
    expect(job?.output.path).toBe('out/monday');
  });

  test('may stand for a number or a flag, when they are the whole value', () => {
    const { job } = read(
      `${good}limits: {concurrency: "\${N}"}\noptions: {use_cache: "\${CACHE:-false}"}\n`,
      { N: '8' },
    );
    expect(job).toMatchObject({ limits: { concurrency: 8 }, options: { useCache: false } });
  });

  test('cannot bring YAML with them', () => {
    expect(
      read(good.replace('review', '${COLUMN}'), { COLUMN: 'a\nmodel: evil/x' }).job?.inputs.text,
    ).toEqual({ kind: 'column', column: 'a\nmodel: evil/x' });
  });

  test.each([
    ['an input', 'text: review', 'text: "${HF_TOKEN} {{ review }}"', '5:9'],
    ['the model', 'model: owner/name', 'model: owner/${HF_TOKEN}', '2:8'],
    ['the output path', 'out/x', 'out/${HF_TOKEN}', '7:9'],
    ['the source', 'source: data/*.parquet', 'source: {path: x.csv, where: "a = \'${HF_TOKEN}\'"}', '3:30'],
    ['a parameter', 'output:', 'parameters: {extra: {key: ["${HF_TOKEN}"]}}\noutput:', '6:28'],
  ])('with the token may not stand in %s: it would be written into plan.json', (_, from, to, at) => {
    const env = { HF_TOKEN: 'hf_secretsecret' };
    expect(
      problemsOf(
        good.replace(from, () => to),
        env,
      ),
    ).toEqual([
      expect.stringMatching(new RegExp(`^invalid-option ${at} .*holds the token.*backend\\.token`)),
    ]);
    const other = good.replace(from, () => to.replace('HF_TOKEN', 'MINE'));
    expect(problemsOf(`${other}backend: {token: "\${MINE}"}\n`, { MINE: 'my-own-secret' })).toHaveLength(1);
  });

  test('with the token may stand in the backend', () => {
    const backend = 'backend: {token: "${HF_TOKEN}", headers: {x-key: "${HF_TOKEN}"}}\n';
    expect(problemsOf(`${good}${backend}`, { HF_TOKEN: 'hf_secretsecret' })).toEqual([]);
  });

  test('unset and without a default are a problem with its place', () => {
    expect(problemsOf(good.replace('out/x', '${NOWHERE}/x'))).toEqual([
      expect.stringMatching(/^missing-env 7:9 .*NOWHERE/),
    ]);
  });

  test('whatever is in them, reading never throws', () => {
    fc.assert(fc.property(fc.string(), (value) => void read(good.replace('review', '${X}'), { X: value })));
  });
});

describe('--set', () => {
  test('overrides a field, also one that is not in the file', () => {
    const { job } = read(good, {}, ['limits.concurrency=8', 'output.keep=[id, url]', 'source.limit=5']);
    expect(job).toMatchObject({
      limits: { concurrency: 8 },
      output: { keep: ['id', 'url'] },
      source: { paths: ['data/*.parquet'], limit: 5 },
    });
  });

  test('of an unknown field is a problem of the command line', () => {
    const { problems } = read(good, {}, ['limits.concurency=8', 'nonsense']);
    expect(problems.map(({ file }) => file)).toEqual(
      expect.arrayContaining(['--set limits.concurency', '--set nonsense']),
    );
  });
});

describe('problems', () => {
  test('are all listed, each with its place and the nearest right name', () => {
    const text = `task: text-clasification
model: ../etc
source: {path: x.csv, formt: csv}
inputs: {text: a}
concurrency: 4
output: {path: out, format: parket}
limits: {timeout_s: soon, concurrency: 0}
`;
    expect(problemsOf(text)).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^unknown-task 1:7 .*text-classification/),
        expect.stringMatching(/^\S+ 2:8 .*model/),
        expect.stringMatching(/^unknown-field 3:23 .*"formt".*"format"/),
        expect.stringMatching(/^unknown-field 5:1 .*limits\.concurrency/),
        expect.stringMatching(/^invalid-option 6:29 .*parquet/),
        expect.stringMatching(/^wrong-type 7:21 .*a number/),
        expect.stringMatching(/ 7:40 limits\.concurrency/),
      ]),
    );
  });

  test('a missing field is named', () => {
    expect(problemsOf('task: text-classification\nmodel: a/b\nsource: x.csv\ninputs: {text: a}\n')).toEqual([
      expect.stringMatching(/^missing-field .*output/),
    ]);
    expect(problemsOf(good.replace('  text: review', '  {}').replace('inputs:\n', 'inputs:'))).toEqual([
      expect.stringMatching(/needs the input "text"/),
    ]);
  });

  test.each([
    ['an unknown input', 'inputs: {txt: a}', /no input "txt".*"text"/],
    ['an unknown parameter', 'inputs: {text: a}\nparameters: {topk: 3}', /no parameter "topk".*"top_k"/],
    ['a parameter out of range', 'inputs: {text: a}\nparameters: {top_k: 0}', /top_k.*at least 1/],
    ['a parameter of the wrong type', 'inputs: {text: a}\nparameters: {top_k: many}', /top_k.*number/],
  ])('%s', (_, lines, pattern) => {
    expect(problemsOf(good.replace(/inputs:\n {2}text: review/, lines)).join('\n')).toMatch(pattern);
  });

  const zeroShot = good.replace('text-classification', 'zero-shot-classification');

  test.each([
    ['missing', '', /^missing-field .*parameters\.candidate_labels is missing/],
    [
      'missing among others',
      'parameters: {multi_label: true}',
      /^missing-field .*candidate_labels is missing/,
    ],
    ['a number', 'parameters: {candidate_labels: 7}', /^wrong-type 8:32 .*wanted labels: a list/],
    ['none', 'parameters: {candidate_labels: []}', /^wrong-type 8:32 .*wanted 1 to 10 labels/],
    ['too many', 'parameters: {candidate_labels: "a,b,c,d,e,f,g,h,i,j,k"}', /^wrong-type 8:32 .*1 to 10/],
  ])('a required parameter is %s', (_, line, pattern) => {
    expect(problemsOf(`${zeroShot}${line}\n`)).toEqual([expect.stringMatching(pattern)]);
  });

  test.each(['"a, b"', '[a, b]', '{column: labels}', '"{{ labels }}"', '{value: [a, b]}'])(
    'a required parameter may be %s',
    (labels) => {
      expect(problemsOf(`${zeroShot}parameters: {candidate_labels: ${labels}}\n`)).toEqual([]);
    },
  );

  test('parameters.extra lets anything through', () => {
    expect(problemsOf(`${good}parameters: {extra: {new_thing: 1}}`)).toEqual([]);
  });

  test.each([
    ['headers with a line break', 'backend: {headers: {x-a: "b\\r\\nevil: 1"}}'],
    ['a snappy JSONL file', 'output: {path: o, format: jsonl, compression: snappy}'],
    ['a duplicate key', 'task: text-classification'],
    ['a percentage above 100', 'errors: {max_failed_rows: 101%}'],
  ])('%s is one', (_, line) => {
    const text = line.startsWith('output')
      ? good.replace(/output:\n {2}path: out\/x\n/, `${line}\n`)
      : `${good}${line}\n`;
    expect(problemsOf(text)).not.toEqual([]);
  });

  test('of a line without end its place is shown, with what stands around it', () => {
    const text = `task: ${'x'.repeat(100_000)}, model: a/b`;
    const shown = formatProblems(
      [{ kind: 'wrong-type', message: 'm', file: 'f', line: 1, column: 100_009 }],
      text,
    );
    expect(shown.length).toBeLessThan(1000);
    const [, line, caret] = shown.split('\n');
    expect(line!.slice(caret!.indexOf('^'))).toBe('model: a/b');
  });

  test('the caret stands under its place, behind tabs and wide characters, too', () => {
    const text = '"name": x\ntask: 文字, # 文\nmodel: a/b\n';
    const shown = formatProblems(
      [{ kind: 'wrong-type', message: 'm', file: 'f', line: 2, column: 7 }],
      text,
    ).split('\n');
    expect(shown[1]!.indexOf('文')).toBe(shown[2]!.indexOf('^'));
  });
});

describe('files that are no jobs', () => {
  test.each([
    ['empty', ''],
    ['only a comment', '# nothing\n'],
    ['a list', '- a\n- b\n'],
    ['a text', 'hello'],
    ['torn', 'task: [a, {b: \n'],
    ['tabs', 'task:\n\tx: 1\n'],
    ['several documents', 'a: 1\n---\nb: 2\n'],
    [
      'an alias bomb',
      `a: &a [x,x,x,x,x,x,x,x,x]\n${'bcdefghij'
        .split('')
        .map((key, i) => `${key}: &${key} [${Array(9).fill(`*${'abcdefghij'[i]}`).join(',')}]`)
        .join('\n')}\n`,
    ],
    ['an unknown alias', 'task: *nowhere\n'],
    ['a prototype', '__proto__: {polluted: true}\n'],
  ])('%s: a problem, never a crash', (_, text) => {
    const { job, problems } = read(text);
    expect(job).toBeUndefined();
    expect(problems.length).toBeGreaterThan(0);
    expect(formatProblems(problems, text)).toMatch(/job\.yaml/);
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });
});

test.each([
  ['lists', '[', ''],
  ['mappings', '{a: ', '1'],
  ['blocks', '- ', '1'],
])('%s that are nested thousands of levels deep are told as that, in one problem', (_, open, end) => {
  for (const depth of [300, 1000, 3000, 20_000]) {
    const close = { '[': ']', '{a: ': '}', '- ': '' }[open]!;
    const nested = `${open.repeat(depth)}${end}${close.repeat(depth)}`;
    const { job, problems } = read(`${good}parameters:\n  x:\n    ${nested}\n`);
    expect(job).toBeUndefined();
    expect(JSON.stringify(problems)).not.toMatch(/call stack/i);
    if (depth >= 3000) {
      expect(problems).toEqual([expect.objectContaining({ message: expect.stringMatching(/too deeply/) })]);
    }
  }
});

const suite = resolve(
  process.env.SLUICE_SHARED ?? resolve(import.meta.dirname, '../../../shared'),
  'data/yaml/yaml-test-suite',
);
describe.skipIf(!existsSync(suite))('the YAML test suite (needs the shared data)', () => {
  test('none of its cases crashes the reader', () => {
    let cases = 0;
    for (const name of existsSync(suite) ? readdirSync(suite) : []) {
      const text = readFileSync(join(suite, name), 'utf8');
      for (const { yaml } of (parse(text) as { yaml?: string }[] | null) ?? []) {
        if (yaml === undefined) continue;
        const { job, problems } = read(yaml.replaceAll('␣', ' ').replaceAll('∎', ''));
        expect(job).toBeUndefined();
        expect(problems.length).toBeGreaterThan(0);
        cases++;
      }
    }
    expect(cases).toBeGreaterThan(100);
  });
});

describe('what is said of a mistake', () => {
  const changed = (field: string, value: string) => problemsOf(good, {}, [`${field}=${value}`]);

  test.each([
    ['errors.max_failed_rows', '101%', /^wrong-type .*a number of rows, or a percentage from 0% to 100%$/],
    ['limits.concurrency', '{min: 5, max: 2}', /min, start and max in this order/],
    ['limits.concurrency', '{max: 2, start: 3}', /min, start and max in this order/],
    ['backend.headers', '{"x y": "1"}', /backend\.headers\.x y: is not a header name$/],
    ['backend.url', 'localhost:8080', /full http\(s\) URL/],
    ['backend.url', 'ftp://host/x', /full http\(s\) URL/],
    ['backend.url', 'http://host/{modle}', /only \{model\} and \{task\} are filled in/],
    ['inputs.text', '{colum: review}', /did you mean "column"\?$/],
  ])('%s: %s', (field, value, words) => {
    expect(changed(field, value)).toEqual([expect.stringMatching(words)]);
  });

  test('a variable that is not set is said once, not again as a wrong value of its field', () => {
    expect(problemsOf(good.replace('owner/name', '${MODEL}'))).toEqual([
      expect.stringMatching(/^missing-env 2:8 .*MODEL is not set/),
    ]);
  });

  test('a template of a URL with both places filled in is no mistake', () => {
    expect(changed('backend.url', 'http://host/{model}/{task}')).toEqual([]);
  });
});

test('a variable stands for a number among the parameters, too, where the task wants one', () => {
  const text = `${good}parameters: {top_k: "\${TOP_K:-3}"}\n`;
  expect(read(text).job?.parameters.top_k).toEqual({ kind: 'literal', value: 3 });
  expect(problemsOf(text, { TOP_K: 'many' })).toEqual([expect.stringMatching(/top_k: wanted a number/)]);
});

test.each([
  ['My Job.yaml', 'my-job'],
  ['-x-.yml', 'x'],
  ['ü.yaml', 'job'],
])('the name of %s is one that `name` would take: %s', (file, name) => {
  expect(
    readJob(good, { file, env: {}, set: [], catalogue: tasks, contracts, local: localParameters }).job?.name,
  ).toBe(name);
});

describe('the draft of a job with problems', () => {
  const draftOf = (text: string) => read(text).draft;

  test('is the job without what is wrong in it', () => {
    const text = good
      .replace('source: data/*.parquet', 'source: {path: x.csv, wher: a, where: b = 1}')
      .replace('path: out/x', 'path: out/x\n  keep: [id]\n  format: csv');
    expect(
      draftOf(`${text}parameters: {top_kk: 3, top_k: many, function_to_apply: "{{ f }}"}`),
    ).toMatchObject({
      source: { paths: ['x.csv'], where: 'b = 1' },
      inputs: { text: { kind: 'column', column: 'review' } },
      parameters: { function_to_apply: { kind: 'template' } },
      output: { path: 'out/x', keep: ['id'], format: 'parquet' },
    });
  });

  test('is there without a task, inputs and an output, but not without a source', () => {
    expect(draftOf('source: x.csv\n')?.source.paths).toEqual(['x.csv']);
    expect(draftOf(good.replace('source:', 'sorce:'))).toBeUndefined();
    expect(draftOf(good.replace('data/*.parquet', '${FOLDER}/x.csv'))).toBeUndefined();
  });
});
