import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Engine } from '../duckdb/engine.ts';
import { SluiceError } from '../errors.ts';
import { BatchBuilder } from '../arrow/build.ts';
import { encodeBatch } from '../arrow/ipc.ts';
import { renameDurably } from '../storage/durable.ts';
import { groupRows } from './answers.ts';
import type { CommitRecord } from './commit.ts';
import { type DeadLetter, errorText } from './failure.ts';
import { draftJournal, JournalFile } from './journal.ts';
import { committedHash, type Plan, type Shard } from './plan.ts';
import { type Prepared, shardFile, shardRelation } from './prepare.ts';
import type { ResultShape } from './result-shape.ts';
import type { Layout } from './layout.ts';

export interface RebuildContext {
  prepared: Prepared;
  plan: Plan;
  layout: Layout;
  engine: Engine;
}

/**
 * Makes a committed shard's journal again: the answers from its part, the errors from its dead letters. It appears
 * whole or not at all.
 *
 * A part has no row numbers, so its rows are counted along the source's: those that `where` lets pass, without the
 * failed ones where they were dropped. Any difference in number is refused; an answer never moves to another row.
 */
export async function rebuildJournal(
  context: RebuildContext,
  shape: ResultShape,
  committed: { shard: Shard; record: CommitRecord; letters: readonly DeadLetter[] },
): Promise<void> {
  const { prepared, plan, layout, engine } = context;
  const { shard, record, letters } = committed;
  const { job, writer, results } = prepared;
  const failed = new Map(letters.map((letter) => [letter.row - shard.start, letter]));
  const dropped = job.errors.onRowError === 'drop';
  const hash = committedHash(plan.files[shard.file]!, shard);
  const fields = shape.fields.flatMap((field) => {
    const as = results.find(({ name }) => name === field.name)?.as;
    return as === undefined ? [] : [{ as, field }];
  });
  const path = layout.journal(shard.id);
  const draft = `${path}${draftJournal}`;
  await rm(draft, { force: true });
  const { file } = await JournalFile.open(draft);
  let group = new BatchBuilder(shape.schema);
  const append = async (entry: Record<string, unknown>) => {
    group.append({ __hash: hash, __attempts: 0, ...entry });
    if (group.length < groupRows) return;
    await file.append(encodeBatch(group.finish()));
    group = new BatchBuilder(shape.schema);
  };
  const part = writer.read(engine, {
    path: join(layout.root, record.part),
    compression: job.output.compression,
    columns: fields.map(({ as, field }) => field.clone({ name: as })),
  });
  try {
    for await (const row of passedRows(context, shard, engine)) {
      const letter = failed.get(row);
      if (letter === undefined || !dropped) {
        const next = await part.next();
        if (next.done) throw rowsDiffer(record);
        if (letter === undefined) {
          const values = fields.map(({ as, field }) => [field.name, next.value[as]]);
          await append({ __row: row, ...Object.fromEntries(values) });
        }
      }
      if (letter !== undefined)
        await append({ __row: row, __failure: JSON.stringify(letter), error: errorText(letter) });
    }
    if (!(await part.next()).done) throw rowsDiffer(record);
    if (group.length > 0) await file.append(encodeBatch(group.finish()));
  } catch (error) {
    throw prepared.dataset.explained(shardFile(prepared, plan, shard), error);
  } finally {
    await part.return();
    await file.close();
  }
  await renameDurably(draft, path);
}

/** Rows of the shard, from 0, that the job reads. */
async function* passedRows(context: RebuildContext, shard: Shard, engine: Engine): AsyncGenerator<number> {
  using relation = shardRelation(context.prepared, context.plan, shard, []);
  for await (const batch of engine.stream(relation.sql)) {
    const rows = batch.getChild('__row')!;
    for (let i = 0; i < batch.numRows; i++) yield Number(rows.get(i)) - shard.start;
  }
}

function rowsDiffer({ part, file }: CommitRecord): SluiceError {
  return new SluiceError('RETRY_ROWS_DIFFER', `part ${part}: its rows are not those of ${file}`, {
    next: 'start anew with --fresh (all rows are asked again), or keep the output as it is',
  });
}
