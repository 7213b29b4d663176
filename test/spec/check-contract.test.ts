import { describe, expect, test } from 'vitest';
import { contracts } from '../../src/backends/api/contracts.ts';
import { localParameters } from '../../src/backends/onnx/parameters.ts';
import { readJob } from '../../src/spec/read-job.ts';
import { tasks } from '../../src/tasks/index.ts';

function read(task: string, backend: string, rest = '', inputs = '{text: a}') {
  const text =
    `task: ${task}\nsource: x.jsonl\ninputs: ${inputs}\noutput: out\nbackend: ${backend}\n${rest}`.replace(
      'output: out',
      'output: {path: out}',
    );
  return readJob(text, {
    file: 'job.yaml',
    env: {},
    set: [],
    catalogue: tasks,
    contracts,
    local: localParameters,
  });
}
const problemsOf = (...job: Parameters<typeof read>) =>
  read(...job).problems.map(
    ({ line, column, message, suggestion }) => `${line}:${column} ${message} — ${suggestion}`,
  );

describe('a contract', () => {
  test.each([
    [
      'feature-extraction',
      '{contract: tei, url: "http://h"}',
      'parameters: {normalize: true, extra: {x: 1}}',
    ],
    ['feature-extraction', '{contract: openai, url: "http://h"}', 'parameters: {encoding_format: base64}'],
    ['text-generation', '{contract: openai, url: "http://h/v1"}', 'parameters: {max_new_tokens: 9}'],
    ['summarization', '{contract: endpoint, url: "http://h"}', 'parameters: {max_length: 9}'],
  ])('serves %s over %s with %s', (task, backend, parameters) => {
    expect(problemsOf(task, backend, parameters)).toEqual([]);
  });

  test('that does not serve the task says which it serves', () => {
    expect(problemsOf('summarization', '{url: "http://h", contract: openai}')).toEqual([
      '5:38 contract openai does not serve summarization — it serves feature-extraction, text-generation, ' +
        'conversational; hf and endpoint serve every task',
    ]);
  });

  test('without a place for a parameter says so, at the parameter', () => {
    const parameters = 'parameters:\n  top_p: 0.5\n  min_length: 3\n';
    expect(problemsOf('conversational', '{contract: openai, url: "http://h"}', parameters)).toEqual([
      '8:3 contract openai has no place for conversational’s parameter "min_length" — it takes only max_length, ' +
        'repetition_penalty, temperature, top_k, top_p; parameters.extra passes the server’s own',
    ]);
  });

  test('other than hf needs a server to be named', () => {
    expect(problemsOf('feature-extraction', '{contract: tei}')).toEqual([
      '5:21 contract tei needs backend.url: the Hugging Face router speaks hf — name the server, such as ' +
        'http://127.0.0.1:8080',
    ]);
  });

  test('that nobody knows gets the nearest name', () => {
    expect(problemsOf('feature-extraction', '{contract: opnai, url: "http://h"}')[0]).toMatch(
      /^5:21 .*openai/,
    );
  });
});

describe('rows in a request, where the job does not say', () => {
  test.each([
    ['hf', 1],
    ['endpoint', 1],
    ['openai', 1],
    ['tei', 32],
  ])('%s: %i', (contract, rows) => {
    const backend = `{contract: ${contract}, url: "http://h"}`;
    expect(read('feature-extraction', backend).job?.limits.batchSize).toBe(rows);
    expect(read('feature-extraction', backend, 'limits: {batch_size: auto}').job?.limits.batchSize).toBe(
      rows,
    );
    expect(read('feature-extraction', backend, 'limits: {batch_size: 7}').job?.limits.batchSize).toBe(7);
  });
});

test('a model may carry a provider, as the auto router has it', () => {
  const { job } = read('text-generation', '{contract: openai, url: "http://h"}', 'model: owner/name:fastest');
  expect(job?.model).toBe('owner/name:fastest');
});
