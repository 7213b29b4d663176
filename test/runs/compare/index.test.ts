import { Field, Float64, Utf8 } from 'apache-arrow';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { comparisonOf } from '../../../src/runs/compare/index.ts';
import { grayPng } from '../../../src/tasks/png.ts';
import { findTask, tasks } from '../../../src/tasks/index.ts';
import type { Parameters } from '../../../src/tasks/task.ts';

const score = fc.double({ min: 0, max: 1, noNaN: true });
const word = fc.constantFrom('one', 'two', 'Three', '四', '-');
const text = fc.array(word, { maxLength: 6 }).map((words) => words.join(' '));
const label = fc.constantFrom('A', 'B', 'C');
const side = fc.integer({ min: 0, max: 4 });
const vector = fc
  .array(fc.float({ min: -4, max: 4, noNaN: true }), { minLength: 2, maxLength: 3 })
  .map((numbers) => Float32Array.from(numbers));
const place = fc.option(fc.nat(3), { nil: null });
const predictions = fc.uniqueArray(fc.record({ label, score }), { minLength: 1, selector: (p) => p.label });
const box = fc
  .record({ x: side, y: side, width: side, height: side })
  .map(({ x, y, width, height }) => ({ xmin: x, ymin: y, xmax: x + width, ymax: y + height }));
const mask = fc
  .array(fc.constantFrom(0, 255), { minLength: 4, maxLength: 4 })
  .map((pixels) => grayPng(2, 2, Uint8Array.from(pixels)));

/** Answers by the first column of their task; where there is none, the column is text. */
const rowsOf: Readonly<Record<string, fc.Arbitrary<Record<string, unknown>>>> = {
  label: fc.record({ predictions }),
  entities: fc.record({
    entities: fc.array(fc.record({ entity_group: label, word, start: place, end: place }), { maxLength: 4 }),
  }),
  predictions: fc.record({
    predictions: fc.array(fc.record({ token_str: word, score, mask: fc.nat(2) }), {
      minLength: 1,
      maxLength: 6,
    }),
  }),
  scores: fc.record({ scores: fc.array(score, { minLength: 1, maxLength: 4 }) }),
  embedding: fc.record({ embedding: vector }),
  embeddings: fc.record({ embeddings: fc.array(vector, { minLength: 1, maxLength: 3 }) }),
  detections: fc.record({ detections: fc.array(fc.record({ label, box }), { maxLength: 5 }) }),
  segments: fc.record({ segments: fc.array(fc.record({ label, mask }), { maxLength: 3 }) }),
};

const cases: [string, Parameters][] = [
  ...tasks.map(({ name }): [string, Parameters] => [name, {}]),
  ['feature-extraction', { pooling: 'none' }],
];

describe.each(cases)('answers of %s %j', (name, parameters) => {
  const comparison = comparisonOf(findTask(name)!.columns(parameters))!;
  const columns = findTask(name)!
    .columns(parameters)
    .map((field) => field.name);
  const rows = rowsOf[columns[0]!] ?? fc.record({ [columns[0]!]: text });
  const runs = { numRuns: name === 'image-segmentation' ? 20 : 200 };

  test('are compared by columns that the task has', () => {
    expect(columns).toEqual(expect.arrayContaining([...comparison.columns]));
    expect(comparison.columns[0]).toBe(columns[0]);
  });

  test('agree in full with themselves', async () => {
    await fc.assert(
      fc.asyncProperty(rows, async (row) => {
        const values = await comparison.compare(row, structuredClone(row));
        expect(values).toHaveLength(comparison.measures.length);
        for (const [i, { better }] of comparison.measures.entries()) {
          if (values[i] !== undefined) expect(values[i]).toBeCloseTo(better === 'high' ? 1 : 0, 6);
        }
        expect(values[0]).toBeDefined();
      }),
      runs,
    );
  });

  test('agree with others as much as others with them, between nothing and in full', async () => {
    await fc.assert(
      fc.asyncProperty(rows, rows, async (one, other) => {
        const values = await comparison.compare(one, other);
        const turned = await comparison.compare(other, one);
        for (const [i, value] of values.entries()) {
          if (value === undefined) expect(turned[i]).toBeUndefined();
          else expect(turned[i]).toBeCloseTo(value, 9);
          if (value === undefined) continue;
          expect(value).toBeGreaterThanOrEqual(columns[0]!.startsWith('embedding') ? -1 : 0);
          expect(value).toBeLessThanOrEqual(1);
        }
      }),
      runs,
    );
  });
});

test('a column of text that nobody named is compared word by word, other columns not at all', () => {
  expect(comparisonOf([new Field('caption', new Utf8())])?.measures[0]?.name).toBe('word error rate');
  expect(comparisonOf([new Field('depth', new Float64())])).toBeUndefined();
  expect(comparisonOf([])).toBeUndefined();
});
