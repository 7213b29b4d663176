import { describe, expect, test } from 'vitest';
import { contracts } from '../../src/backends/api/contracts.ts';
import { localParameters } from '../../src/backends/onnx/parameters.ts';
import { readJob } from '../../src/spec/read-job.ts';
import { tasks } from '../../src/tasks/index.ts';

function problemsOf(task: string, parameters: string, inputs = '{text: a}') {
  const text = `task: ${task}\nmodel: a/b\nsource: x.jsonl\ninputs: ${inputs}\noutput: {path: out}\nbackend: onnx\nparameters: ${parameters}\n`;
  const options = { file: 'job.yaml', env: {}, set: [], catalogue: tasks, contracts, local: localParameters };
  return readJob(text, options).problems.map(
    ({ line, column, message, suggestion }) => `${line}:${column} ${message} — ${suggestion}`,
  );
}

describe('on this machine', () => {
  test.each([
    ['text-generation', '{top_p: 0.9, num_return_sequences: 3, extra: {seed: 1, no_repeat_ngram_size: 2}}'],
    ['summarization', '{truncation: do_not_truncate, generate_parameters: {min_new_tokens: 3}}'],
    ['asr', '{generation_parameters: {max_new_tokens: 9}}', '{audio: a}'],
  ])('%s heeds %s', (task, parameters, inputs?: string) => {
    expect(problemsOf(task, parameters, inputs)).toEqual([]);
  });

  test.each([
    [
      'a parameter',
      'text-generation',
      '{max_time: 3}',
      /^7:14 backend onnx has no place for text-generation’s parameter "max_time" — it takes do_sample, .*top_p/,
    ],
    [
      'one of a mapping',
      'summarization',
      '{generate_parameters: {num_beams: 4}}',
      /"generate_parameters\.num_beams"/,
    ],
    [
      'one that goes through extra',
      'text-classification',
      '{extra: {watermark: true}}',
      /"extra\.watermark"/,
    ],
    ['one that comes with the row', 'text-generation', '{max_time: {column: t}}', /"max_time"/],
    [
      'several texts without sampling',
      'text2text',
      '{num_return_sequences: 2, do_sample: false}',
      /^7:14 num_return_sequences: without sampling/,
    ],
    [
      'how a pair is cut',
      'translation',
      '{truncation: only_second}',
      /^7:14 truncation: only_second is for pairs/,
    ],
  ] as const)('%s that would be dropped is refused where it stands', (_, task, parameters, words) => {
    const problems = problemsOf(task, parameters);
    expect(problems).toEqual([expect.stringMatching(words)]);
  });

  test('a task that cannot run is refused, with those that can', () => {
    expect(problemsOf('table-question-answering', '{}', '{query: a, table: b}')).toEqual([
      expect.stringMatching(
        /^1:7 backend onnx: table-question-answering cannot run.* — use backend: api, or one of/,
      ),
    ]);
  });
});
