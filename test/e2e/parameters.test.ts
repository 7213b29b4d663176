import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { startEmulator } from '../../src/emulator/emulator.ts';
import { temporaryFolder } from '../temporary.ts';
import { sluice } from './sluice.ts';

const rows = [
  { text: 'I want a refund', list: ['refund', 'faq'], csv: 'refund, faq', first: 'refund', second: 'faq' },
  { text: 'one faq only', list: ['refund', 'faq'], csv: 'refund, faq', first: 'refund', second: 'faq' },
];

/** The output rows of a zero-shot job whose labels are written so, over these rows. */
async function run(labels: string, source: readonly object[]) {
  const folder = temporaryFolder();
  const emulator = await startEmulator();
  onTestFinished(() => emulator.close());
  writeFileSync(join(folder, 'rows.jsonl'), source.map((row) => `${JSON.stringify(row)}\n`).join(''));
  writeFileSync(
    join(folder, 'job.yaml'),
    `task: zero-shot-classification
model: acme/labels
source: rows.jsonl
inputs: {text: text}
parameters:
  candidate_labels: ${labels}
backend: {type: api, url: "${emulator.url}"}
limits: {batch_size: 4}
output: {path: out, format: jsonl}
`,
  );
  const { code, stderr } = await sluice(folder, ['run', 'job.yaml', '--quiet']);
  expect(code, stderr).toBe(0);
  const lines = readFileSync(join(folder, 'out/part-00000.jsonl'), 'utf8').trimEnd().split('\n');
  return lines.map((line) => JSON.parse(line));
}

describe('candidate labels are the same ones', () => {
  test.each([
    ['as a list', '[refund, faq]'],
    ['as one text', '"refund, faq"'],
    ['as a literal', '{value: [refund, faq]}'],
    ['from a column of lists', '{column: list}'],
    ['from a column of texts', '{column: csv}'],
    ['from a template', '"{{ first }}, {{ second }}"'],
    ['from a template of JSON', '"{{ [first, second] | tojson }}"'],
  ])('%s', async (_, labels) => {
    const answers = await run(labels, rows);
    expect(answers.map(({ label, error }) => [label, error])).toEqual([
      ['refund', null],
      ['faq', null],
    ]);
    expect(answers[0].predictions).toHaveLength(2);
  });
});

test('a row without labels fails alone and is not sent', async () => {
  const answers = await run('{column: list}', [
    rows[0]!,
    { ...rows[1], list: null },
    { ...rows[1], list: [] },
  ]);
  expect(answers[0]).toMatchObject({ label: 'refund', error: null });
  expect(answers[1]).toMatchObject({
    label: null,
    error: expect.stringContaining('"candidate_labels" is null'),
  });
  expect(answers[2]).toMatchObject({ label: null, error: expect.stringContaining('wanted 1 to 10 labels') });
});
