import { join } from 'node:path';
import { Field, Int64, Schema, Utf8 } from 'apache-arrow';
import { expect, onTestFinished, test } from 'vitest';
import { buildBatch } from '../../src/arrow/build.ts';
import type { Engine } from '../../src/duckdb/engine.ts';
import { ShardAnswers } from '../../src/runs/answers.ts';
import { ResultShape } from '../../src/runs/result-shape.ts';
import { type Item, ShardWork, type Unaskable } from '../../src/runs/shard-work.ts';
import { column, utf8 } from '../../src/tasks/arrow-types.ts';
import { temporaryFolder } from '../temporary.ts';

const shard = { id: 0, file: 0, start: 0, rows: 10, selected: 10 };
const file = { path: 'x.csv', size: 1, modifiedMs: 0, rows: 10, folders: [] };

/** An engine whose every query gives ten rows; row 4 could not be read. */
const engine = {
  async *stream() {
    const schema = new Schema([new Field('__row', new Int64()), new Field('__error', new Utf8(), true)]);
    const rows = Array.from({ length: 10 }, (_, i) => ({
      __row: BigInt(i),
      __error: i === 4 ? 'torn' : null,
    }));
    yield buildBatch(schema, rows);
  },
} as unknown as Engine;

/** Opens the shard over a journal that holds answers to these rows, and lists what is to be asked. */
async function asked(
  answered: readonly number[],
  windowAt?: (row: number) => number,
): Promise<(Item | Unaskable)[]> {
  const journal = join(temporaryFolder(), 'journal');
  const shape = new ResultShape([column('label', utf8())], {});
  const range = { rows: 10, start: 0, file: file.path, committed: 'none' };
  const list = async (work: ShardWork) => {
    const bind = () => (row: number) => ({ inputs: { text: `row ${row}` }, parameters: {} });
    const items: (Item | Unaskable)[] = [];
    for await (const piece of work.items(engine, [''], bind, new AbortController().signal))
      items.push(...piece);
    return items;
  };
  const first = await ShardAnswers.open(journal, shape, range);
  for (const { row, hash } of await list(new ShardWork(shard, file, first.answers))) {
    if (answered.includes(row))
      await first.answers.append({ row, hash, attempts: 1, outcome: { result: { label: 'x' } } });
  }
  await first.answers.flush();
  await first.answers.close();
  const second = await ShardAnswers.open(journal, shape, range);
  onTestFinished(() => second.answers.close());
  return list(new ShardWork(shard, file, second.answers, windowAt));
}

test('rows that are asked each for themselves are asked only when the journal does not hold them', async () => {
  expect((await asked([0, 1, 5])).map(({ row }) => row)).toEqual([2, 3, 4, 6, 7, 8, 9]);
});

test('a window that the journal holds in part is asked as a whole, one that it holds is not asked', async () => {
  // Windows of the rows that can be asked: 0 1 2, 3 5 6, 7 8 9.
  const items = await asked([0, 1, 2, 3, 7, 8], () => 3);
  expect(items.map(({ row }) => row)).toEqual([4, 3, 5, 6, 7, 8, 9]);
  expect(items.filter((item) => 'endsWindow' in item).map(({ row }) => row)).toEqual([6, 9]);
});

test('the last window is as short as the shard leaves it', async () => {
  const items = await asked([], () => 4);
  expect(items.filter((item) => 'endsWindow' in item).map(({ row }) => row)).toEqual([3, 8, 9]);
});

test('a window is as long as it is to be from its first row on', async () => {
  const items = await asked([], (row) => Math.ceil((10 - row) / 2));
  // 5, then 2 from row 6 on (4 could not be read), then 1 and 1.
  expect(items.filter((item) => 'endsWindow' in item).map(({ row }) => row)).toEqual([5, 7, 8, 9]);
});
