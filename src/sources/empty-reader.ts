import type { FileReader } from './format.ts';

/**
 * Of a text file in which there is nothing: what Spark, pandas and sluice write for a part without rows. It has no
 * columns of its own, so that it takes those of the files beside it.
 */
export const emptyReader: FileReader = {
  columns: [],
  facts: async () => ({ rows: 0, marks: [] }),
  relation: () => ({
    sql: 'SELECT NULL::BIGINT AS __row, NULL::VARCHAR AS __error WHERE false',
    [Symbol.dispose]() {
      // Nothing is held.
    },
  }),
};
