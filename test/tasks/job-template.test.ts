import { describe, expect, test } from 'vitest';
import { contracts } from '../../src/backends/api/contracts.ts';
import { localParameters } from '../../src/backends/onnx/parameters.ts';
import { readJob } from '../../src/spec/read-job.ts';
import { tasks } from '../../src/tasks/index.ts';
import { jobTemplate } from '../../src/tasks/job-template.ts';

const read = (text: string) =>
  readJob(text, {
    file: 'job.yaml',
    env: { HF_TOKEN: 'token' },
    set: [],
    catalogue: tasks,
    contracts,
    local: localParameters,
  });

describe.each(tasks)('the template of $name', (task) => {
  const template = jobTemplate(task);

  test('is a job without a problem: only source and columns are left to the user', () => {
    const { job, problems } = read(template);
    expect(problems).toEqual([]);
    expect(job?.task).toBe(task.name);
    expect(Object.keys(job?.inputs ?? {}).length).toBeGreaterThan(0);
  });

  test('names no field that is unknown, also where every comment is turned on', () => {
    const { problems } = read(template.replaceAll(/^#(?! |$)/gm, ''));
    expect(problems.filter(({ kind }) => kind === 'unknown-field' || kind === 'yaml-syntax')).toEqual([]);
  });

  test('shows every input and parameter', () => {
    // `#  top_k:` is a field that can be turned on; `# top_k` would be words.
    for (const name of [...Object.keys(task.inputs), ...Object.keys(task.parameters.shape)])
      expect(template).toMatch(new RegExp(`^#? {2}${name}:`, 'm'));
  });

  test('fits a terminal', () => {
    expect(template.split('\n').filter((line) => /^ *# /.test(line) && line.length > 100)).toEqual([]);
  });
});
