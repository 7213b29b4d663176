/** Lists of numbers as 32-bit floats, in lists in turn: `[n]` is one vector, `[rows][n]` a list of them, and so on. */
export type FloatLists = Float32Array | FloatLists[];

/** Lists in lists that servers are known to send have three dimensions; one more for those that are not. */
const DEEPEST = 4;

const [TAB, NEWLINE, RETURN, BLANK] = [9, 10, 13, 32];
const [PLUS, COMMA, MINUS, POINT, ZERO, NINE] = [43, 44, 45, 46, 48, 57];
const [UPPER_E, OPEN, CLOSE, LOWER_E] = [69, 91, 93, 101];

/** Below it a whole number in a double is exact. */
const EXACT = 2 ** 53;
/** Powers of ten up to this are exact in a double. */
const EXACT_POWER = 22;
/** From here on further digits of a number are not looked at. */
const ENOUGH_DIGITS = 1e18;
/** Beyond, a product could leave the range of normal doubles. */
const HIGHEST_POWER = 280;
/** More than the error of a number of 19 digits that was put together in doubles: 9 roundings and the digits left out. */
const SLACK = 2 ** -47;

const powersOfTen = Float64Array.from({ length: HIGHEST_POWER + 1 }, (_, power) => Number(`1e${power}`));

/**
 * The lists of numbers that a JSON text consists of, without the boxed numbers that `JSON.parse` makes: embeddings are
 * most of what an API sends, and this takes a third of the time. Each number is `Math.fround` of what `JSON.parse`
 * makes of it, to the bit.
 *
 * Undefined for any other text: not JSON, empty lists, lists beside numbers, numbers too large for 32 bits, text, null.
 * Such a text is for `JSON.parse`, and for the errors of who wanted something else.
 */
export function floatListsIn(body: Buffer): FloatLists | undefined {
  let length = body.length;
  while (length > 0 && isBlank(body[length - 1])) length--;
  // No number can run past the end: the bracket ends it.
  if (body[length - 1] !== CLOSE) return undefined;
  const scanner = new Scanner(body);
  const lists = scanner.list(1);
  return scanner.at === length ? lists : undefined;
}

class Scanner {
  readonly #bytes: Buffer;
  /** The next byte. */
  at = 0;
  /** Room for the numbers of one vector. */
  #room = new Float32Array(1024);

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** The list that begins here. */
  list(depth: number): FloatLists | undefined {
    if (depth > DEEPEST || this.#nextByte() !== OPEN) return undefined;
    this.at++;
    if (this.#nextByte() !== OPEN) return this.#vector();
    const items: FloatLists[] = [];
    for (;;) {
      const item = this.list(depth + 1);
      // A vector beside a list of vectors is no shape that anybody sends.
      if (item === undefined || Array.isArray(item) !== Array.isArray(items[0] ?? item)) return undefined;
      items.push(item);
      const after = this.#nextByte();
      this.at++;
      if (after === CLOSE) return items;
      if (after !== COMMA) return undefined;
    }
  }

  /** The numbers up to the end of this list. */
  #vector(): Float32Array | undefined {
    const bytes = this.#bytes;
    let count = 0;
    for (;;) {
      let byte = this.#nextByte();
      const start = this.at;
      let at = start;
      if (byte === MINUS) byte = bytes[++at];
      const isNegative = at > start;
      let digits = 0;
      let power = 0;
      if (byte === ZERO) byte = bytes[++at];
      else if (isDigit(byte)) {
        do {
          if (digits < ENOUGH_DIGITS) digits = digits * 10 + (byte! - ZERO);
          else power++;
          byte = bytes[++at];
        } while (isDigit(byte));
      } else return undefined;
      if (byte === POINT) {
        byte = bytes[++at];
        if (!isDigit(byte)) return undefined;
        do {
          if (digits < ENOUGH_DIGITS) {
            digits = digits * 10 + (byte! - ZERO);
            power--;
          }
          byte = bytes[++at];
        } while (isDigit(byte));
      }
      if (byte === LOWER_E || byte === UPPER_E) {
        byte = bytes[++at];
        const sign = byte === MINUS ? -1 : 1;
        if (byte === MINUS || byte === PLUS) byte = bytes[++at];
        if (!isDigit(byte)) return undefined;
        let exponent = 0;
        do {
          exponent = Math.min(9999, exponent * 10 + (byte! - ZERO));
          byte = bytes[++at];
        } while (isDigit(byte));
        power += sign * exponent;
      }
      const size = rounded(digits, power) ?? Math.abs(this.#parsed(start, at));
      if (size === Number.POSITIVE_INFINITY) return undefined;
      if (count === this.#room.length) this.#grow();
      this.#room[count++] = isNegative ? -size : size;
      this.at = at;
      const after = this.#nextByte();
      this.at++;
      if (after === CLOSE) return this.#room.slice(0, count);
      if (after !== COMMA) return undefined;
    }
  }

  #nextByte(): number | undefined {
    while (isBlank(this.#bytes[this.at])) this.at++;
    return this.#bytes[this.at];
  }

  /** The long way, for one number in many thousands. */
  #parsed(start: number, end: number): number {
    return Math.fround(Number(this.#bytes.toString('latin1', start, end)));
  }

  #grow(): void {
    const grown = new Float32Array(this.#room.length * 2);
    grown.set(this.#room);
    this.#room = grown;
  }
}

/**
 * `digits * 10 ** power` as the float that its nearest double rounds to; undefined where this is not sure.
 *
 * Where both factors are exact, one operation gives the nearest double (Clinger, "How to read floating point numbers
 * accurately", PLDI 1990). Otherwise it gives a double that is off by a few units, and rounding to 32 bits drops 29
 * bits of it: where all that it may be off by rounds to the same float, so does the nearest double.
 */
function rounded(digits: number, power: number): number | undefined {
  if (power < -HIGHEST_POWER || power > HIGHEST_POWER) return undefined;
  const number = power < 0 ? digits / powersOfTen[-power]! : digits * powersOfTen[power]!;
  const float = Math.fround(number);
  if (digits < EXACT && power >= -EXACT_POWER && power <= EXACT_POWER) return float;
  return Math.fround(number * (1 - SLACK)) === Math.fround(number * (1 + SLACK)) ? float : undefined;
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= ZERO && byte <= NINE;
}

function isBlank(byte: number | undefined): boolean {
  return byte === BLANK || byte === NEWLINE || byte === RETURN || byte === TAB;
}
