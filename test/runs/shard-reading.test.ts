import { Int64, Utf8 } from 'apache-arrow';
import { expect, test } from 'vitest';
import type { Question } from '../../src/backends/backend.ts';
import type { Engine } from '../../src/duckdb/engine.ts';
import { MappingError } from '../../src/mapping/mapping.ts';
import type { ShardAnswers } from '../../src/runs/answers.ts';
import { type MapRow, ShardWork } from '../../src/runs/shard-work.ts';
import { batchOf } from '../mapping/batches.ts';

const shard = { id: 0, file: 0, start: 0, rows: 20, selected: 20 };
const file = { path: 'f', size: 1, modifiedMs: 0, rows: 20, folders: [] };

/** Rows and failures of a shard of 20 rows, in the order in which they come out. */
async function itemsOf(map: MapRow): Promise<string[]> {
  const batch = batchOf({
    __row: { type: new Int64(), values: Array.from({ length: 20 }, (_, i) => BigInt(i)) },
    __error: { type: new Utf8(), values: Array.from({ length: 20 }, () => null) },
  });
  const engine = {
    async *stream() {
      yield batch;
    },
  };
  const work = new ShardWork(shard, file, {
    recover: () => false,
    recoverCommitted: () => false,
  } as unknown as ShardAnswers);
  const found: string[] = [];
  const signal = new AbortController().signal;
  for await (const piece of work.items(engine as unknown as Engine, [''], () => map, signal)) {
    for (const item of piece)
      found.push('failure' in item ? `${item.row}: ${item.failure.message}` : `${item.row}`);
  }
  return found;
}

const questionOf = (row: number): Question => ({ inputs: { text: String(row) }, parameters: {} });

test('rows whose files are read come out in order, however long each takes', async () => {
  const waiting: (() => void)[] = [];
  let most = 0;
  const items = await itemsOf((row) => {
    if (row % 5 === 4) throw new MappingError('no file');
    return new Promise((resolve) => {
      waiting.push(() => resolve(questionOf(row)));
      most = Math.max(most, waiting.length);
      // Answered last come, first served, when no more are asked for: only reading ahead fills the queue.
      setImmediate(() => waiting.pop()?.());
    });
  });
  expect(items).toEqual(
    Array.from({ length: 20 }, (_, row) => (row % 5 === 4 ? `${row}: no file` : `${row}`)),
  );
  expect(most).toBeGreaterThan(4);
  expect(most).toBeLessThanOrEqual(8);
});

test('a disk that breaks while earlier rows are read ends the shard, not the process', async () => {
  const items = itemsOf((row) =>
    row === 3
      ? Promise.reject(new Error('EIO'))
      : new Promise((resolve) => setImmediate(() => resolve(questionOf(row)))),
  );
  await expect(items).rejects.toThrow('EIO');
});
