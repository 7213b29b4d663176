import type { Data, DataType } from 'apache-arrow';
import { BitmapBuilder } from './bits.ts';

/** What every column's data has in common. */
export interface Common {
  length: number;
  nullBitmap: Uint8Array | undefined;
  nullCount: number;
}

/** A column in the making, value by value. */
export abstract class Builder {
  protected readonly type: DataType;
  /** Where the column is, for messages: `predictions[].label`. */
  readonly #path: string;
  readonly #validity = new BitmapBuilder();
  #length = 0;

  constructor(type: DataType, path: string) {
    this.type = type;
    this.#path = path;
  }

  get length(): number {
    return this.#length;
  }

  /** @throws {TypeError} for a value that does not fit the type */
  append(value: unknown): void {
    const present = value !== null && value !== undefined;
    if (present) this.put(value);
    else this.putNull();
    this.#validity.fill(present, 1);
    this.#length++;
  }

  /** Appends every item of an array. */
  appendAll(values: ArrayLike<unknown>): void {
    for (let i = 0; i < values.length; i++) this.append(values[i]);
  }

  /** All values so far. The builder is spent. */
  finish(): Data {
    return this.build({ length: this.#length, ...this.#validity.take() });
  }

  /** Stores a value as item `length`. */
  protected abstract put(value: unknown): void;
  /** Makes room for a null as item `length`. */
  protected abstract putNull(): void;
  protected abstract build(common: Common): Data;

  /** Counts items that were stored all at once, all of them valid. */
  protected stored(count: number): void {
    this.#validity.fill(true, count);
    this.#length += count;
  }

  protected mismatch(wanted: string, value: unknown): TypeError {
    return new TypeError(`${this.#path}: wanted ${wanted}, got ${describe(value)}`);
  }
}

function describe(value: unknown): string {
  if (typeof value === 'string') return `text ${JSON.stringify(value.slice(0, 40))}`;
  if (Array.isArray(value) || ArrayBuffer.isView(value)) {
    const length = 'length' in value ? value.length : value.byteLength;
    return `${value.constructor.name} of ${length}`;
  }
  if (typeof value === 'object' && value !== null)
    return `object {${Object.keys(value).slice(0, 5).join(', ')}}`;
  return `${typeof value} ${String(value)}`;
}
