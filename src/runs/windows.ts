import type { LocalCalls } from '../backends/backend.ts';
import type { Plan, Shard } from './plan.ts';

/** How a plan is cut into the calls of a local model. */
export class Windows {
  readonly #local: LocalCalls;
  /** Rows that the job reads from each shard on, by the shard's id. */
  readonly #rowsFrom = new Map<number, number>();

  constructor(local: LocalCalls, { shards }: Pick<Plan, 'shards'>) {
    this.#local = local;
    let rows = 0;
    for (const shard of [...shards].reverse()) {
      rows += shard.selected;
      this.#rowsFrom.set(shard.id, rows);
    }
  }

  /** Rows of the window that begins with a row of the shard. A sample is drawn evenly from the shard's rows. */
  at({ id, rows, selected }: Shard, row: number): number {
    return this.#after(id, Math.floor((row * selected) / rows));
  }

  /** Windows of shards whose rows can all be asked. */
  count(shards: readonly Shard[]): number {
    let count = 0;
    for (const { id, selected } of shards) {
      for (let done = 0; done < selected; done += this.#after(id, done)) count++;
    }
    return count;
  }

  #after(id: number, done: number): number {
    return this.#local.windowAt(this.#rowsFrom.get(id)! - done);
  }
}
