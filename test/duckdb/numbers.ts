import { BIGINT, INTEGER } from '@duckdb/node-api';
import duckdb from '@duckdb/node-bindings';
import type { Feed } from '../../src/duckdb/feed.ts';

export interface NumbersLog {
  projections: number[][];
  pulls: number;
  closed: number;
}

/**
 * A feed of the columns `n` (0, 1, 2, …) and `double` (0, 2, 4, …) that notes what DuckDB asks of it and throws
 * `failure` in place of row `failAt`.
 */
export function numbers(count: number, failure?: { at: number; error: unknown }): Feed & { log: NumbersLog } {
  const log: NumbersLog = { projections: [], pulls: 0, closed: 0 };
  return {
    log,
    columns: [
      { name: 'n', type: BIGINT },
      { name: 'double', type: INTEGER },
    ],
    open(projected) {
      log.projections.push([...projected]);
      let row = 0;
      return {
        next(vectors, capacity) {
          log.pulls++;
          if (failure && row >= failure.at) throw failure.error;
          const rows = Math.min(capacity, count - row, failure ? failure.at - row : Infinity);
          projected.forEach((column, i) => {
            const values =
              column === 0
                ? BigInt64Array.from({ length: rows }, (_, k) => BigInt(row + k))
                : Int32Array.from({ length: rows }, (_, k) => 2 * (row + k));
            duckdb.copy_data_to_vector(vectors[i]!, 0, values.buffer, 0, values.byteLength);
          });
          row += rows;
          return rows;
        },
        close: () => void log.closed++,
      };
    },
  };
}
