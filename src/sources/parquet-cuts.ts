/** Consecutive rows that a Parquet file stores together. */
export interface RowGroup {
  rows: number;
  /** Of all its columns, decompressed. */
  bytes: number;
}

/**
 * Of so many bytes a query reads no more than the row group in which it reaches them. DuckDB bounds what it reads ahead
 * by rows, 60,000 or so, and does not count how long texts and blobs are.
 */
const QUERY_BYTES = 32 * 1024 * 1024;

/** DuckDB decodes so many rows of a row group at a time, and none of them sooner: a finer cut would save nothing. */
const VECTOR_ROWS = 2048;

/**
 * The rows of a range, cut so that each cut is read by a query of its own: at the boundaries of row groups, and within
 * a row group that is larger than a query should read at those of vectors. A table of narrow rows stays whole.
 * @returns the first row of each cut, in order; the first of them is `start`
 */
export function cutsOf(
  groups: readonly RowGroup[],
  { start, rows }: { start: number; rows: number },
  queryBytes = QUERY_BYTES,
): number[] {
  const cuts = [start];
  let [row, bytes] = [0, 0];
  for (const group of groups) {
    const end = row + group.rows;
    for (; row < end; row += VECTOR_ROWS) {
      const after = Math.min(row + VECTOR_ROWS, end);
      if (after <= start) continue;
      if (row >= start + rows) return cuts;
      if (bytes >= queryBytes) {
        cuts.push(row);
        bytes = 0;
      }
      bytes += (group.bytes / group.rows) * (after - Math.max(row, start));
    }
    row = end;
  }
  return cuts;
}
