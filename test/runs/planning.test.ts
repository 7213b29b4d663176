import { describe, expect, test } from 'vitest';
import { updatePlan } from '../../src/runs/planning.ts';
import type { Plan } from '../../src/runs/plan.ts';
import type { Dataset } from '../../src/sources/dataset.ts';
import { jobOf } from '../crash/in-process.ts';

/** Files of a source that is not there, and how often one of them was read through. */
class Facts {
  looked = 0;
  readonly #rows: Map<string, number>;

  constructor(rows: Record<string, number>) {
    this.#rows = new Map(Object.entries(rows));
  }

  get dataset(): Dataset {
    const files = [...this.#rows].map(([path, rows]) => ({ path, size: rows * 100, modifiedMs: rows }));
    const facts = async ({ path }: { path: string }) => {
      this.looked++;
      return { rows: this.#rows.get(path)!, marks: [] };
    };
    return { files, facts } as unknown as Dataset;
  }
}

const job = (more = '') =>
  jobOf(`task: text-classification
model: acme/sentiment
source: {path: lake${more}}
inputs: {text: text}
output: {path: out, rows_per_part: 10}
`);

const rangesOf = ({ files, shards }: Plan) =>
  shards.map(({ id, file, start, rows }) => `${id}: ${files[file]!.path} ${start}+${rows}`);

const none = () => false;
const all = () => true;

describe('a source that changes', () => {
  test('nothing new: the same plan, and no file is read', async () => {
    const first = await updatePlan(job(), new Facts({ a: 25, b: 5 }).dataset, undefined, none);
    const facts = new Facts({ a: 25, b: 5 });
    const second = await updatePlan(job(), facts.dataset, first.plan, all);
    expect(second).toMatchObject({ plan: first.plan, outdated: [], removed: [], added: [], vanished: [] });
    expect(facts.looked).toBe(0);
  });

  test('a file that vanishes: committed shards are kept and said, pending ones dropped, --prune drops all', async () => {
    const { plan } = await updatePlan(job(), new Facts({ a: 25, b: 5 }).dataset, undefined, none);
    const without = new Facts({ b: 5 }).dataset;
    const kept = await updatePlan(job(), without, plan, (shard) => shard !== 1);
    expect(kept).toMatchObject({ vanished: ['a'], removed: [1] });
    expect(rangesOf(kept.plan)).toEqual(['0: a 0+10', '2: a 20+5', '3: b 0+5']);
    const pruned = await updatePlan(job(), without, kept.plan, all, true);
    expect(pruned).toMatchObject({ vanished: ['a'], removed: [0, 2] });
    expect(rangesOf(pruned.plan)).toEqual(['3: b 0+5']);
    expect(await updatePlan(job(), without, pruned.plan, all)).toMatchObject({ vanished: [], removed: [] });
  });

  test('a file that vanished and comes back: every row is in a shard again, under a number never used', async () => {
    const { plan } = await updatePlan(job(), new Facts({ a: 25, b: 5 }).dataset, undefined, none);
    const { plan: without } = await updatePlan(job(), new Facts({ b: 5 }).dataset, plan, (id) => id !== 1);
    const again = await updatePlan(job(), new Facts({ a: 25, b: 5 }).dataset, without, all);
    expect(rangesOf(again.plan)).toEqual(['0: a 0+10', '2: a 20+5', '3: b 0+5', '4: a 10+10']);
  });

  test('a changed file keeps the numbers of its shards', async () => {
    const { plan } = await updatePlan(job(), new Facts({ a: 25, b: 5 }).dataset, undefined, none);
    const shorter = await updatePlan(job(), new Facts({ a: 12, b: 5 }).dataset, plan, all);
    expect(shorter).toMatchObject({ changed: ['a'], outdated: [0, 1], removed: [2] });
    const longer = await updatePlan(job(), new Facts({ a: 45, b: 5 }).dataset, plan, all);
    expect(rangesOf(longer.plan).slice(-2)).toEqual(['4: a 30+10', '5: a 40+5']);
  });

  test('a limit on a sample counts the rows of the sample, and a larger one adds the next of them', async () => {
    const limited = (limit: number) => job(`, sample: 40, limit: ${limit}`);
    const read = ({ shards }: Plan) => shards.reduce((sum, { selected }) => sum + selected, 0);
    const dataset = new Facts({ a: 700, b: 350 }).dataset;
    let plan: Plan | undefined;
    for (const limit of [1, 7, 39, 40, 41]) {
      const before = plan?.shards ?? [];
      ({ plan } = await updatePlan(limited(limit), dataset, plan, all));
      expect(read(plan)).toBe(Math.min(limit, 40));
      expect(plan.shards.slice(0, before.length)).toEqual(before);
    }
  });

  test('a sample has no gaps to fill: the rows between are not its', async () => {
    const sampled = job(', sample: 4');
    const { plan } = await updatePlan(sampled, new Facts({ a: 1000 }).dataset, undefined, none);
    const facts = new Facts({ a: 1000 });
    const again = await updatePlan(sampled, facts.dataset, plan, all);
    expect(again.plan.shards).toEqual(plan.shards);
    expect(facts.looked).toBe(0);
  });
});

test('10,000 files of 100,000,000 rows are planned, and planned again, in seconds', async () => {
  const rows = Object.fromEntries(Array.from({ length: 10_000 }, (_, i) => [`lake/${i}.parquet`, 10_000]));
  const big = jobOf(`task: text-classification
model: acme/sentiment
source: lake
inputs: {text: text}
output: {path: out, rows_per_part: 10000}
`);
  const began = performance.now();
  const first = await updatePlan(big, new Facts(rows).dataset, undefined, none);
  expect(first.plan.shards).toHaveLength(10_000);
  const facts = new Facts({ ...rows, 'new.parquet': 7 });
  const second = await updatePlan(big, facts.dataset, first.plan, all);
  expect(second.plan.shards).toHaveLength(10_001);
  expect(facts.looked).toBe(1);
  expect(performance.now() - began).toBeLessThan(5_000);
});
