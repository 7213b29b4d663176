import { describe, expect, test } from 'vitest';
import { applyOverride, parseOverride } from '../../src/spec/overrides.ts';
import { formatProblems } from '../../src/spec/problem.ts';
import { contracts } from '../../src/backends/api/contracts.ts';
import { localParameters } from '../../src/backends/onnx/parameters.ts';
import { readJob } from '../../src/spec/read-job.ts';
import { tasks } from '../../src/tasks/index.ts';

const good = `task: text-classification
model: a/b
source: data.csv
inputs: {text: text}
output: {path: out, keep: [id]}
`;

const problems = (...set: string[]) => {
  const read = readJob(good, {
    file: 'job.yaml',
    env: { HF_TOKEN: 't' },
    set,
    catalogue: tasks,
    contracts,
    local: localParameters,
  });
  return formatProblems(read.problems, good);
};

describe('the value of --set', () => {
  test.each([
    ['a=8', 8],
    ['a=0.5', 0.5],
    ['a=true', true],
    ['a=auto', 'auto'],
    ['a=', ''],
    ['a="8"', '8'],
    ['a=[x, y]', ['x', 'y']],
    ['a={min: 1, max: 4}', { min: 1, max: 4 }],
    ['a=1%', '1%'],
    // What YAML would read as something of its own.
    ['a={{ text }}', '{{ text }}'],
    ['a={% if x %}y{% endif %}', '{% if x %}y{% endif %}'],
    ['a=I say: {{ text }} # 1', 'I say: {{ text }} # 1'],
    ['a="id" > 3', '"id" > 3'],
    ["a=title = 'a: b'", "title = 'a: b'"],
    ['a=b=c', 'b=c'],
  ])('%s', (text, value) => {
    expect(parseOverride(text)?.value).toEqual(value);
  });

  test('goes to any depth, and makes mappings of short forms', () => {
    const job: Record<string, unknown> = { source: 'data.csv', backend: 'api' };
    for (const given of ['source.limit=3', 'backend.headers.X-Team=nlp', 'limits.concurrency.max=4'])
      applyOverride(job, parseOverride(given)!);
    expect(job).toEqual({
      source: { path: 'data.csv', limit: 3 },
      backend: { type: 'api', headers: { 'X-Team': 'nlp' } },
      limits: { concurrency: { max: 4 } },
    });
  });
});

describe('a wrong --set is named as such', () => {
  test.each([
    [
      'limits.concurency=3',
      '--set limits.concurency: unknown field "concurency" in limits — did you mean "concurrency"?',
    ],
    ['limits.concurrency=x', '--set limits.concurrency: wanted a number from 1, auto, or {min, max, start}'],
    ['limits=3', '--set limits: wanted a mapping of fields'],
    ['output.keep=id', '--set output.keep: wanted a list of source columns, or "*" for all'],
    ['output.keep.0=id', '--set output.keep.0: output.keep: wanted a list of source columns, or "*" for all'],
    ['model.name=x', expect.stringContaining('--set model.name: model: wanted a model id')],
    ['limits', '--set limits: wanted field=value, such as limits.concurrency=8'],
    ['a..b=1', '--set a..b=1: wanted field=value, such as limits.concurrency=8'],
    ['inputs.txt=x', '--set inputs.txt: text-classification has no input "txt" — did you mean "text"?'],
    ['parameters.top_k=none', '--set parameters.top_k: wanted a number'],
  ])('%s', (given, words) => {
    expect(problems(given)).toEqual(words);
  });

  test('all of them are listed', () => {
    expect(problems('limits.timeout_s=-1', 'retry.max_attempts=0').split('\n')).toHaveLength(2);
  });
});
