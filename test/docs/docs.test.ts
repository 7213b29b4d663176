import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { failuresMarkdown } from '../../src/backends/api/failures-markdown.ts';
import { contracts } from '../../src/backends/api/contracts.ts';
import { localParameters } from '../../src/backends/onnx/parameters.ts';
import { jobSchema } from '../../src/spec/json-schema.ts';
import { jobFileMarkdown } from '../../src/spec/markdown.ts';
import { formatProblems } from '../../src/spec/problem.ts';
import { readJob } from '../../src/spec/read-job.ts';
import { findTask, tasks } from '../../src/tasks/index.ts';
import { tasksMarkdown } from '../../src/tasks/markdown.ts';

// `npm run docs` (vitest -u) writes these files; in CI they must be what the code says.
const root = resolve(import.meta.dirname, '../..');
const main = join(root, 'dist/cli/main.js');
const help = (...args: string[]) =>
  execFileSync(process.execPath, [main, ...args, '--help'], {
    encoding: 'utf8',
    env: { ...process.env, COLUMNS: '100' },
  });

describe('generated docs are what the code says', () => {
  test('docs/tasks.md', async () => {
    await expect(tasksMarkdown(tasks)).toMatchFileSnapshot(join(root, 'docs/tasks.md'));
  });

  test('docs/job-file.md', async () => {
    await expect(jobFileMarkdown()).toMatchFileSnapshot(join(root, 'docs/job-file.md'));
  });

  test('docs/job.schema.json', async () => {
    await expect(`${JSON.stringify(jobSchema(tasks), null, 2)}\n`).toMatchFileSnapshot(
      join(root, 'docs/job.schema.json'),
    );
  });

  test('docs/failures.md', async () => {
    const text = failuresMarkdown(contracts, findTask('feature-extraction')!);
    await expect(text).toMatchFileSnapshot(join(root, 'docs/failures.md'));
  });

  test('docs/cli.md: the help of every command', async () => {
    const overview = help();
    const commands = [...overview.matchAll(/^ {2}sluice (\w+)/gm)].map((match) => match[1]!);
    expect(commands.length).toBeGreaterThan(5);
    const pages = commands.map(
      (command) => `## sluice ${command}\n\n\`\`\`\n${help(command).trimEnd()}\n\`\`\`\n`,
    );
    const text = `<!-- Made by \`npm run docs\` from --help; do not edit. -->\n\n# The command line\n\n\`\`\`\n${overview.trimEnd()}\n\`\`\`\n\n${pages.join('\n')}`;
    await expect(text).toMatchFileSnapshot(join(root, 'docs/cli.md'));
  });
});

test('every test and page that the documentation names is there', () => {
  for (const name of readdirSync(join(root, 'docs')).filter((file) => file.endsWith('.md'))) {
    const text = readFileSync(join(root, 'docs', name), 'utf8');
    const named = [
      ...[...text.matchAll(/`(test\/[\w/.-]+)`/g)].map((match) => match[1]!),
      ...[...text.matchAll(/\]\(([\w.-]+\.md)\)/g)].map((match) => `docs/${match[1]}`),
    ];
    for (const path of named) expect(existsSync(join(root, path)), `${name} names ${path}`).toBe(true);
  }
});

describe('every job in the documentation is a good one', () => {
  const pages = [
    'README.md',
    ...readdirSync(join(root, 'docs'))
      .filter((name) => name.endsWith('.md'))
      .map((name) => `docs/${name}`),
  ];
  const examples = pages.flatMap((page) => {
    const blocks = readFileSync(join(root, page), 'utf8').matchAll(/```yaml\n([\s\S]*?)```/g);
    return [...blocks]
      .map((match) => match[1]!)
      .filter((text) => /^task:/m.test(text))
      .map((text, i) => ({ page, i, text }));
  });
  const files = readdirSync(join(root, 'jobs')).map((name) => ({
    page: `jobs/${name}`,
    i: 0,
    text: readFileSync(join(root, 'jobs', name), 'utf8'),
  }));

  test.each([...examples, ...files])('$page, example $i', ({ page, text }) => {
    const { problems } = readJob(text, {
      file: page,
      env: { HF_TOKEN: 'token' },
      set: [],
      catalogue: tasks,
      contracts,
      local: localParameters,
    });
    expect(formatProblems(problems, text)).toBe('');
  });
});
