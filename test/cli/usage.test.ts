import { describe, expect, test } from 'vitest';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sluice } from '../e2e/sluice.ts';
import { temporaryFolder } from '../temporary.ts';

describe('a wrong command line', () => {
  test.each([
    ['rnu job.yaml', /unknown command "rnu"\n {2}did you mean 'sluice run'\?/],
    ['help rnu', /did you mean 'sluice run'\?/],
    ['run', /an argument is missing\n {2}usage: sluice run <job>/],
    ['run job.yaml --limt 3', /run has no option --limt\n {2}did you mean --limit\?/],
    // Taken for no limit at all, it would pay for every row.
    ['run job.yaml --limit', /--limit needs a value/],
    ['run job.yaml --limit abc', /--limit: wanted a whole number from 1/],
    ['run job.yaml --limit 0', /--limit: wanted a whole number from 1/],
    ['run job.yaml --limit 1 --limit 2', /--limit is given more than once/],
    ['run job.yaml extra', /"extra" is one argument too many/],
    ['run job.yaml --log-format xml', /--log-format: "xml" is none of "pretty", "json"/],
    ['run job.yaml --set', /--set needs a value/],
    ['run job.yml', /job file job.yml does not exist\n {2}did you mean job.yaml\?/],
    ['run .', /is a folder/],
    ['preview job.yaml -n 1.5', /wanted a whole number/],
    ['inspect data.csv --format xls', /--format: "xls" is none of/],
    ['emulate --port', /--port needs a value/],
    ['emulate --port 99999', /0 to 65535/],
    ['init sumarization', /did you mean "summarization"\?/],
    ['--nonsense', /unknown option --nonsense/],
    ['-v', /unknown option -v/],
    ['compare job.yaml', /--with is missing/],
    ['models drop', /models: action: "drop" is none of "list", "show", "pull"/],
    ['status nowhere', /status: nowhere is neither a job file nor a directory/],
    ['check gone.yaml job.yaml', /gone.yaml does not exist(?:.|\n)*job\.yaml:1:1/],
  ])('%s: exit 2, with what is wrong and the next step', async (line, words) => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'job.yaml'), '');
    const { code, stdout, stderr } = await sluice(folder, line.split(' '));
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(words);
  });

  test('none at all: the commands, and exit 2', async () => {
    const { code, stderr } = await sluice(temporaryFolder(), []);
    expect(code).toBe(2);
    expect(stderr).toMatch(/sluice run <job>/);
  });

  test.each([
    ['--help', /@duckdb|apache-arrow|undici|zod|onnx|sharp|\.node$/],
    ['tasks ner', /@duckdb|undici|onnx|sharp|\.node$/],
    ['check job.yaml', /undici|onnxruntime|huggingface\/transformers|sharp|aws-sdk/],
  ])('%s loads nothing that is heavy and not needed', async (line, heavy) => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'in.csv'), 'review\ngood\n');
    writeFileSync(
      join(folder, 'job.yaml'),
      'task: ner\nmodel: a/b\nsource: in.csv\ninputs: { text: review }\noutput: { path: out }\n',
    );
    const hook = `export async function resolve(name, context, next) {
      const found = await next(name, context);
      process._rawDebug('loaded ' + found.url);
      return found;
    }`;
    const script = `import { register } from 'node:module'; register(${JSON.stringify(`data:text/javascript,${encodeURIComponent(hook)}`)});`;
    const { code, stderr } = await sluice(folder, line.split(' '), {
      NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(script)}`,
    });
    expect(code).toBe(0);
    const loaded = stderr.match(/^loaded .*$/gm) ?? [];
    expect(loaded.length).toBeGreaterThan(20);
    expect(loaded.filter((url) => heavy.test(url.replace(/^.*\/node_modules\//, 'node_modules/')))).toEqual(
      [],
    );
  });

  test('help before a command is its help', async () => {
    const { code, stdout } = await sluice(temporaryFolder(), ['help', 'run']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^sluice run <job>/);
  });
});
