import type { Question } from '../backends/backend.ts';
import type { Engine } from '../duckdb/engine.ts';
import { SluiceError } from '../errors.ts';
import { MappingError } from '../mapping/mapping.ts';
import type { Plan } from './plan.ts';
import { type Prepared, shardRelation } from './prepare.ts';

/** The question of the first row that makes one, or why none of the first rows does. */
export async function firstQuestion(
  prepared: Prepared,
  plan: Plan,
  engine: Engine,
): Promise<Question | SluiceError> {
  let reason = 'the source has no rows';
  for (const shard of plan.shards) {
    using relation = shardRelation(prepared, plan, shard, prepared.needed);
    for await (const batch of engine.stream(`SELECT * FROM (${relation.sql}) LIMIT 100`)) {
      const map = prepared.bind(batch, plan.files[shard.file]!.path);
      const errors = batch.getChild('__error')!;
      for (let i = 0; i < batch.numRows; i++) {
        const error = errors.get(i) as string | null;
        try {
          if (error === null) return await map(i);
          reason = error;
        } catch (thrown) {
          if (!(thrown instanceof MappingError)) throw thrown;
          reason = thrown.message;
        }
      }
    }
  }
  return new SluiceError('PLAN_NO_ROW', `no row makes a request: ${reason}`);
}
