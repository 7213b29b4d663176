import type duckdb from '@duckdb/node-bindings';
import bindings from '@duckdb/node-bindings';

/** DuckDB's vectors have room for 2048 rows; a bit of validity for each. */
const VALIDITY_BYTES = 256;

/** Writes rows into the vectors of one chunk of a feed, column by column, in any order within a row. */
export class ChunkFiller {
  readonly capacity: number;
  /** By column of the feed; undefined where the query does not want the column. */
  readonly #vectors: (duckdb.Vector | undefined)[] = [];
  readonly #numbers: (BigInt64Array<ArrayBuffer> | undefined)[] = [];
  readonly #validity: (Uint8Array<ArrayBuffer> | undefined)[] = [];

  constructor(vectors: readonly duckdb.Vector[], projected: readonly number[], capacity: number) {
    this.capacity = capacity;
    projected.forEach((column, i) => {
      this.#vectors[column] = vectors[i];
    });
  }

  /** Whether the query wants a column. */
  wants(column: number): boolean {
    return this.#vectors[column] !== undefined;
  }

  /** Sets a BIGINT. */
  number(column: number, row: number, value: number): void {
    if (!this.#vectors[column]) return;
    this.#numbers[column] ??= new BigInt64Array(this.capacity);
    this.#numbers[column][row] = BigInt(value);
  }

  /** Sets a VARCHAR to bytes that are UTF-8, or to null. */
  text(column: number, row: number, value: Uint8Array | undefined): void {
    const vector = this.#vectors[column];
    if (!vector) return;
    if (value) {
      bindings.vector_assign_string_element_len(vector, row, value);
    } else {
      this.#validity[column] ??= new Uint8Array(VALIDITY_BYTES).fill(255);
      this.#validity[column][row >> 3]! &= ~(1 << (row & 7));
    }
  }

  /** Ends the chunk. Every column must have been set in each of its rows. */
  finish(): void {
    this.#vectors.forEach((vector, column) => {
      if (!vector) return;
      const numbers = this.#numbers[column];
      if (numbers) bindings.copy_data_to_vector(vector, 0, numbers.buffer, 0, numbers.byteLength);
      const validity = this.#validity[column];
      if (validity) {
        bindings.vector_ensure_validity_writable(vector);
        bindings.copy_data_to_vector_validity(vector, 0, validity.buffer, 0, VALIDITY_BYTES);
      }
    });
  }
}
