import type { Data, DataType } from 'apache-arrow';
import { BitmapBuilder } from './bits.ts';
import { Builder, type Common } from './builder.ts';
import { dataOf } from './data.ts';

type Numbers =
  | Int8Array
  | Int16Array
  | Int32Array
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | Float32Array
  | Float64Array;
type BigInts = BigInt64Array | BigUint64Array;

const FIRST_CAPACITY = 64;

export class NullBuilder extends Builder {
  protected put(value: unknown): never {
    throw this.mismatch('null', value);
  }

  protected putNull(): void {
    // A column of nulls has no values.
  }

  protected build({ length }: Common): Data {
    return dataOf(this.type, { length, nullCount: length });
  }
}

export class BoolBuilder extends Builder {
  readonly #bits = new BitmapBuilder();

  protected put(value: unknown): void {
    if (typeof value !== 'boolean') throw this.mismatch('a boolean', value);
    this.#bits.fill(value, 1);
  }

  protected putNull(): void {
    this.#bits.fill(false, 1);
  }

  protected build(common: Common): Data {
    const { nullBitmap: bits } = this.#bits.take();
    return dataOf(this.type, { ...common, data: bits ?? new Uint8Array((common.length + 7) >> 3).fill(255) });
  }
}

/** Floats, and integers of up to 32 bits. */
export class NumberBuilder extends Builder {
  readonly #isInteger: boolean;
  readonly #make: new (
    length: number,
  ) => Numbers;
  #values: Numbers;

  constructor(type: DataType, path: string, isInteger: boolean) {
    super(type, path);
    this.#isInteger = isInteger;
    this.#make = type.ArrayType as new (length: number) => Numbers;
    this.#values = new this.#make(FIRST_CAPACITY);
  }

  override appendAll(values: ArrayLike<unknown>): void {
    // Numbers of the very type, such as a vector of 384 floats: one copy.
    if (values instanceof this.#make) {
      this.#reserve(values.length);
      this.#values.set(values, this.length);
      this.stored(values.length);
    } else super.appendAll(values);
  }

  protected put(value: unknown): void {
    if (typeof value !== 'number')
      throw this.mismatch(this.#isInteger ? 'a whole number' : 'a number', value);
    this.#reserve(1);
    this.#values[this.length] = value;
    if (this.#isInteger && this.#values[this.length] !== value) throw this.mismatch(`${this.type}`, value);
  }

  protected putNull(): void {
    this.#reserve(1);
  }

  protected build(common: Common): Data {
    return dataOf(this.type, { ...common, data: this.#values.subarray(0, common.length) });
  }

  #reserve(count: number): void {
    const needed = this.length + count;
    if (needed <= this.#values.length) return;
    const grown = new this.#make(Math.max(needed, this.#values.length * 2));
    grown.set(this.#values);
    this.#values = grown;
  }
}

/** Integers of 64 bits. */
export class BigIntBuilder extends Builder {
  readonly #make: new (
    length: number,
  ) => BigInts;
  #values: BigInts;

  constructor(type: DataType, path: string) {
    super(type, path);
    this.#make = type.ArrayType as new (length: number) => BigInts;
    this.#values = new this.#make(FIRST_CAPACITY);
  }

  protected put(value: unknown): void {
    const isWhole = typeof value === 'bigint' || Number.isSafeInteger(value);
    if (!isWhole) throw this.mismatch('a bigint or a safe whole number', value);
    const big = BigInt(value as bigint | number);
    this.#reserve();
    this.#values[this.length] = big;
    if (this.#values[this.length] !== big) throw this.mismatch(`${this.type}`, value);
  }

  protected putNull(): void {
    this.#reserve();
  }

  protected build(common: Common): Data {
    return dataOf(this.type, { ...common, data: this.#values.subarray(0, common.length) });
  }

  #reserve(): void {
    if (this.length < this.#values.length) return;
    const grown = new this.#make(this.#values.length * 2);
    grown.set(this.#values as BigInt64Array & BigUint64Array);
    this.#values = grown;
  }
}

/** Text and binary: bytes, and where each item ends. */
export class BytesBuilder extends Builder {
  readonly #isText: boolean;
  #bytes = Buffer.alloc(FIRST_CAPACITY);
  #end = 0;
  readonly #ends: number[] = [];

  constructor(type: DataType, path: string, isText: boolean) {
    super(type, path);
    this.#isText = isText;
  }

  protected put(value: unknown): void {
    if (this.#isText) {
      if (typeof value !== 'string') throw this.mismatch('text', value);
      // No UTF-16 unit takes more than 3 bytes of UTF-8.
      if (this.#end + value.length * 3 > this.#bytes.length) this.#reserve(Buffer.byteLength(value));
      this.#end += this.#bytes.write(value, this.#end);
    } else {
      if (!(value instanceof Uint8Array)) throw this.mismatch('bytes', value);
      this.#reserve(value.length);
      this.#bytes.set(value, this.#end);
      this.#end += value.length;
    }
    this.#ends.push(this.#end);
  }

  protected putNull(): void {
    this.#ends.push(this.#end);
  }

  protected build(common: Common): Data {
    const valueOffsets = new Int32Array(common.length + 1);
    valueOffsets.set(this.#ends, 1);
    return dataOf(this.type, { ...common, valueOffsets, data: this.#bytes.subarray(0, this.#end) });
  }

  #reserve(count: number): void {
    const needed = this.#end + count;
    if (needed <= this.#bytes.length) return;
    // Offsets have 31 bits.
    if (needed > 0x7fff_ffff) throw this.mismatch('less than 2 GiB in one batch', needed);
    const grown = Buffer.alloc(Math.max(needed, this.#bytes.length * 2));
    grown.set(this.#bytes.subarray(0, this.#end));
    this.#bytes = grown;
  }
}
