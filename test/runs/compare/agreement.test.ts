import { describe, expect, test } from 'vitest';
import { agreementOf, worstRows } from '../../../src/runs/compare/agreement.ts';
import { labels } from '../../../src/runs/compare/labels.ts';
import { embedding } from '../../../src/runs/compare/vectors.ts';
import { mapFailure, type RowFailure } from '../../../src/runs/failure.ts';
import type { PreviewedRow } from '../../../src/runs/preview.ts';

const question = { inputs: { text: 'text' }, parameters: {} };
const refused: RowFailure = { stage: 'call', kind: 'rejected', message: '400', attempts: 1 };

function answered(row: number, result: Record<string, unknown>): PreviewedRow {
  return { file: 'a.csv', row, question, outcome: { result } };
}

function failed(row: number): PreviewedRow {
  return { file: 'a.csv', row, question, outcome: { failure: refused } };
}

/** A row whose score of A is this, and of B the rest. */
function scored(row: number, score: number): PreviewedRow {
  const predictions = [
    { label: 'A', score },
    { label: 'B', score: 1 - score },
  ];
  return answered(row, { predictions });
}

describe('agreement', () => {
  test('is the mean or the least of the rows, held against its threshold', async () => {
    const one = [scored(0, 0.75), scored(1, 0.75), scored(2, 0.75), scored(3, 0.75)];
    const other = [scored(0, 0.75), scored(1, 0.75), scored(2, 0.75), scored(3, 0.25)];
    const { measures } = await agreementOf(labels, one, other);
    expect(measures.map(({ value, wanted, ok }) => ({ value, wanted, ok }))).toEqual([
      { value: 1, wanted: 0.99, ok: true },
      { value: 0.75, wanted: 0.95, ok: false },
      { value: 0.125, wanted: 0.05, ok: false },
    ]);
    const vectors = [Float32Array.of(1, 0), Float32Array.of(0, 1)].map((vector, i) =>
      answered(i, { embedding: vector }),
    );
    const turned = vectors.map(({ row }) => answered(row, { embedding: Float32Array.of(1, 0) }));
    const cosines = await agreementOf(embedding, vectors, turned);
    expect(cosines.measures.map(({ value }) => value)).toEqual([1, 0.5, 0]);
  });

  test('with a least agreement every measure must reach it, and a difference stays within the rest', async () => {
    const one = [scored(0, 0.75), scored(1, 0.75)];
    const other = [scored(0, 0.75), scored(1, 0.55)];
    const { measures } = await agreementOf(labels, one, other, 0.9);
    expect(measures.map(({ wanted }) => wanted)).toEqual([0.9, 0.9, expect.closeTo(0.1, 12)]);
    expect(measures.every(({ ok }) => ok)).toBe(true);
    const strict = await agreementOf(labels, one, other, 0.91);
    expect(strict.measures.map(({ ok }) => ok)).toEqual([true, true, false]);
  });

  test('a row that one side alone refuses is a disagreement, one that both refuse is not', async () => {
    const one = [scored(0, 0.75), scored(1, 0.75), failed(2), failed(3)];
    const other = [scored(0, 0.75), failed(1), scored(2, 0.75), failed(3)];
    const agreement = await agreementOf(labels, one, other);
    expect(agreement.answered).toBe(1);
    expect(agreement.measures[0]).toMatchObject({ value: 0.5, ok: false });
    expect(agreement.measures[1]).toMatchObject({ value: 1, ok: true });
  });

  test('a row that cannot be asked says nothing of backends, and nothing at all is no value', async () => {
    const torn: PreviewedRow = { file: 'a.csv', row: 0, outcome: { failure: mapFailure('null text') } };
    const { answered, measures } = await agreementOf(labels, [torn], [torn]);
    expect(answered).toBe(0);
    expect(measures.map(({ value }) => value)).toEqual([undefined, undefined, undefined]);
  });

  test('other rows on the other side are an error, never compared', async () => {
    const code = 'SOURCE_CHANGED';
    await expect(agreementOf(labels, [scored(0, 1)], [scored(1, 1)])).rejects.toMatchObject({ code });
    await expect(agreementOf(labels, [scored(0, 1)], [])).rejects.toMatchObject({ code });
  });
});

test('the worst rows come first: refused, then other labels, then other scores; rounding is not shown', async () => {
  const one = [scored(0, 0.75), scored(1, 0.75), scored(2, 0.75), scored(3, 0.75), scored(4, 0.75)];
  const other = [scored(0, 0.7501), scored(1, 0.625), scored(2, 0.25), failed(3), scored(4, 0.125)];
  const agreement = await agreementOf(labels, one, other);
  expect(worstRows(agreement, 9).map(({ one }) => one.row)).toEqual([3, 4, 2, 1]);
  expect(worstRows(agreement, 2).map(({ one }) => one.row)).toEqual([3, 4]);
});
