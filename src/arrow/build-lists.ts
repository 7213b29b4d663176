import type { Data, DataType } from 'apache-arrow';
import { Builder, type Common } from './builder.ts';
import { dataOf } from './data.ts';

export class ListBuilder extends Builder {
  readonly #items: Builder;
  readonly #ends: number[] = [];

  constructor(type: DataType, path: string, items: Builder) {
    super(type, path);
    this.#items = items;
  }

  protected put(value: unknown): void {
    if (!isArrayLike(value)) throw this.mismatch('a list', value);
    this.#items.appendAll(value);
    this.#ends.push(this.#items.length);
  }

  protected putNull(): void {
    this.#ends.push(this.#items.length);
  }

  protected build(common: Common): Data {
    const valueOffsets = new Int32Array(common.length + 1);
    valueOffsets.set(this.#ends, 1);
    return dataOf(this.type, { ...common, valueOffsets, child: this.#items.finish() });
  }
}

export class FixedSizeListBuilder extends Builder {
  readonly #items: Builder;
  readonly #size: number;

  constructor(type: DataType, path: string, items: Builder, size: number) {
    super(type, path);
    this.#items = items;
    this.#size = size;
  }

  protected put(value: unknown): void {
    if (!isArrayLike(value) || value.length !== this.#size)
      throw this.mismatch(`a list of ${this.#size}`, value);
    this.#items.appendAll(value);
  }

  protected putNull(): void {
    for (let i = 0; i < this.#size; i++) this.#items.append(null);
  }

  protected build(common: Common): Data {
    return dataOf(this.type, { ...common, child: this.#items.finish() });
  }
}

export class StructBuilder extends Builder {
  readonly #names: readonly string[];
  readonly #fields: readonly Builder[];

  constructor(type: DataType, path: string, fields: readonly Builder[]) {
    super(type, path);
    this.#names = type.children.map((field) => field.name);
    this.#fields = fields;
  }

  protected put(value: unknown): void {
    if (typeof value !== 'object' || isArrayLike(value)) throw this.mismatch('an object', value);
    const record = value as Record<string, unknown>;
    for (let i = 0; i < this.#fields.length; i++) this.#fields[i]!.append(record[this.#names[i]!]);
  }

  protected putNull(): void {
    for (const field of this.#fields) field.append(null);
  }

  protected build(common: Common): Data {
    return dataOf(this.type, { ...common, children: this.#fields.map((field) => field.finish()) });
  }
}

function isArrayLike(value: unknown): value is ArrayLike<unknown> {
  return Array.isArray(value) || (ArrayBuffer.isView(value) && !(value instanceof DataView));
}
