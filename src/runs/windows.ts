import type { LocalCalls } from '../backends/backend.ts';
import type { Plan, Shard } from './plan.ts';

/** How a plan is cut into the calls of a local model. */
export class Windows {
  readonly #local: LocalCalls;
  /** Rows of the plan from each shard on, by the shard's id. */
  readonly #rowsFrom = new Map<number, number>();

  constructor(local: LocalCalls, { shards }: Pick<Plan, 'shards'>) {
    this.#local = local;
    let rows = 0;
    for (const shard of [...shards].reverse()) {
      rows += shard.rows;
      this.#rowsFrom.set(shard.id, rows);
    }
  }

  /** Rows of the window that begins with a row of the shard. */
  at({ id }: Shard, row: number): number {
    return this.#local.windowAt(this.#rowsFrom.get(id)! - row);
  }

  /** Windows of shards whose rows can all be asked. */
  count(shards: readonly Shard[]): number {
    let count = 0;
    for (const shard of shards) {
      for (let row = 0; row < shard.rows; row += this.at(shard, row)) count++;
    }
    return count;
  }
}
