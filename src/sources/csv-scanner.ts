import type { StoredBytes } from '../storage/storage.ts';
import { ByteWindow } from './byte-window.ts';
import { MAX_RECORD_BYTES } from './line-scanner.ts';
import { type Position, startOfText, TEXT_START } from './text.ts';

/** How a CSV file is written. Signs are bytes. */
export interface Dialect {
  /** Undefined: every record is one field. */
  delimiter: number | undefined;
  quote: number | undefined;
  /** What stands before a quote that belongs to the text; the quote itself where quotes are doubled. */
  escapeBy: number | undefined;
  /** Lines that begin with it are no records. */
  comment: number | undefined;
  /** LF (also for CRLF), or CR in files of old that have no LF. */
  lineEnd: number;
  /** Whether an empty line is a record: in a file of one column it is a null. */
  blankRecords: boolean;
}

export const LF = 10;
export const CR = 13;
const SPACE = 0x20;

/**
 * The records of a CSV file. A record whose quoting is broken ends at the end of its first line, so that one torn
 * row does not swallow those after it.
 */
export class CsvScanner {
  readonly window: ByteWindow;
  /** Number of the line where the current record begins, from 1. */
  line: number;
  /** What is wrong with the current record's quoting; its fields are then of no use. */
  problem: string | undefined;
  /** The current record is `window.bytes.subarray(start, end)`, without its line end. */
  start = 0;
  end = 0;
  /** How many fields of the current record are in quotes. */
  quoted = 0;
  readonly #dialect: Dialect;
  readonly #maxBytes: number;
  /** Index where the next record begins, and that line's number. */
  #next = 0;
  #nextLine: number;
  /** Index of the first quote at or after `#next`, when known: most records have none. Infinity: none in the window. */
  #quoteAt = -1;
  /** Whether `#fields` are those of the current record. */
  #isSplit = false;
  /** Start and end of each field of the current record, and whether it has escapes to resolve. */
  readonly #fields: { start: number; end: number; escaped: boolean }[] = [];
  #count = 0;
  /** Whether the quoted field that was looked at last has escapes. */
  #sawEscape = false;

  constructor(file: StoredBytes, dialect: Dialect, from: Position = TEXT_START, maxBytes = MAX_RECORD_BYTES) {
    this.window = new ByteWindow(file, from.offset === 0 ? startOfText(file) : from.offset);
    this.line = from.line;
    this.#nextLine = from.line;
    this.#dialect = dialect;
    this.#maxBytes = maxBytes;
  }

  /** Where the record after the current one begins, or empty lines before it. */
  get position(): Position {
    return { offset: this.window.offset + this.#next, line: this.#nextLine };
  }

  /** Moves to the next record; false at the end of the file. */
  next(): boolean {
    do {
      this.problem = undefined;
      this.quoted = 0;
      this.#isSplit = false;
      this.line = this.#nextLine;
      if (!this.#step()) return false;
    } while (!this.problem && this.#isNoRecord());
    return true;
  }

  #isNoRecord(): boolean {
    if (this.start === this.end) return !this.#dialect.blankRecords;
    return this.window.bytes[this.start] === this.#dialect.comment;
  }

  /** How many fields the current record has. */
  get fields(): number {
    if (!this.#isSplit) this.#split();
    return this.#count;
  }

  /** The bytes of a field, quotes and escapes resolved. Valid until the next record. */
  field(index: number): Buffer {
    if (!this.#isSplit) this.#split();
    const { start, end, escaped } = this.#fields[index]!;
    const bytes = this.window.bytes.subarray(start, end);
    return escaped ? this.#unescaped(bytes) : bytes;
  }

  #step(): boolean {
    let end = this.#lineEnd(this.#next);
    if (end < 0) {
      end = this.#extendLine();
      if (end < 0) return this.problem !== undefined;
    }
    const isComment = this.window.bytes[this.#next] === this.#dialect.comment;
    if (!isComment && this.#hasQuote(end)) return this.#parseQuoted();
    this.#finish(end);
    return true;
  }

  /** Index of the end of the line that begins at `from`, or -1 when it is not in the window. */
  #lineEnd(from: number): number {
    return this.window.bytes.indexOf(this.#dialect.lineEnd, from);
  }

  /** Reads until the line at `#next` has its end. -1 at the end of the file and for a line that is too long. */
  #extendLine(): number {
    for (;;) {
      const seen = this.window.bytes.length - this.#next;
      if (seen > this.#maxBytes) {
        this.#skipLine();
        return -1;
      }
      const isMore = this.#more();
      if (!isMore) return seen === 0 ? -1 : seen;
      const end = this.#lineEnd(seen);
      if (end >= 0) return end;
    }
  }

  #more(): boolean {
    const isMore = this.window.more(this.#next);
    this.#next = 0;
    this.#quoteAt = -1;
    return isMore;
  }

  #skipLine(): void {
    let end = -1;
    while (end < 0 && this.window.more(this.window.bytes.length)) end = this.#lineEnd(0);
    this.start = this.end = 0;
    this.#next = end + 1;
    this.#quoteAt = -1;
    this.#nextLine++;
    this.problem = `longer than ${this.#maxBytes} bytes`;
  }

  #hasQuote(end: number): boolean {
    if (this.#dialect.quote === undefined) return false;
    if (this.#quoteAt < this.#next) {
      const at = this.window.bytes.indexOf(this.#dialect.quote, this.#next);
      this.#quoteAt = at < 0 ? Number.POSITIVE_INFINITY : at;
    }
    return this.#quoteAt < end;
  }

  /** Ends the record at the line end at `end` (or at the end of the file). */
  #finish(end: number): void {
    const { bytes } = this.window;
    this.start = this.#next;
    const isCrlf = this.#dialect.lineEnd === LF && end > this.start && bytes[end - 1] === CR;
    this.end = isCrlf ? end - 1 : end;
    this.#next = Math.min(end + 1, bytes.length);
    this.#nextLine++;
  }

  /** A record with quotes: found field by field, because a line end inside quotes does not end it. */
  #parseQuoted(): true {
    for (;;) {
      const outcome = this.#parseFields();
      if (typeof outcome === 'number') {
        const first = this.#next;
        this.#finish(outcome);
        this.#nextLine += this.#countLineEnds(first, outcome);
        this.#isSplit = true;
        return true;
      }
      const isWhole = this.window.atEnd || this.window.bytes.length - this.#next > this.#maxBytes;
      if (outcome === 'needs more' && !isWhole) {
        this.#more();
        continue;
      }
      this.#finish(this.#firstLineEnd());
      this.problem = outcome === 'needs more' ? 'a quote is never closed' : outcome;
      return true;
    }
  }

  #firstLineEnd(): number {
    const end = this.#lineEnd(this.#next);
    return end < 0 ? this.window.bytes.length : end;
  }

  #countLineEnds(from: number, to: number): number {
    let count = 0;
    for (let at = this.#lineEnd(from); at >= 0 && at < to; at = this.#lineEnd(at + 1)) count++;
    return count;
  }

  /**
   * The fields of the record at `#next`. Gives the index of its line end; or that the window ends before the record
   * does, which at the end of the file means an open quote; or what is wrong.
   */
  #parseFields(): number | 'needs more' | string {
    const { bytes, atEnd } = this.window;
    const { delimiter, quote, lineEnd } = this.#dialect;
    this.#count = 0;
    this.quoted = 0;
    let at = this.#next;
    for (;;) {
      const start = at;
      while (bytes[at] === SPACE) at++;
      const isQuoted = bytes[at] === quote;
      if (isQuoted) {
        const open = at;
        at = this.#closingQuote(open + 1);
        if (at < 0) return 'needs more';
        this.#add(open + 1, at++, this.#sawEscape);
        this.quoted++;
        while (bytes[at] === SPACE) at++;
      } else {
        while (at < bytes.length && bytes[at] !== delimiter && bytes[at] !== lineEnd) at++;
      }
      if (at >= bytes.length && !atEnd) return 'needs more';
      // The CR of a CRLF, before which a field ends.
      if (isQuoted && lineEnd === LF && bytes[at] === CR) at++;
      if (at >= bytes.length && !atEnd) return 'needs more';
      const isEnd = at >= bytes.length || bytes[at] === lineEnd;
      if (isQuoted && !isEnd && bytes[at] !== delimiter) return 'text after a closing quote';
      if (!isQuoted) {
        const isCrlf = isEnd && lineEnd === LF && at > start && bytes[at - 1] === CR;
        this.#add(start, isCrlf ? at - 1 : at, false);
      }
      if (isEnd) return Math.min(at, bytes.length);
      at++;
    }
  }

  /** Index of the quote that ends the text at `from`, or -1. Notes whether there are escapes to resolve. */
  #closingQuote(from: number): number {
    const { bytes, atEnd } = this.window;
    const { quote = -1, escapeBy } = this.#dialect;
    this.#sawEscape = false;
    for (let at = bytes.indexOf(quote, from); at >= 0; at = bytes.indexOf(quote, at + 1)) {
      if (escapeBy === quote) {
        if (at + 1 >= bytes.length && !atEnd) return -1;
        if (bytes[at + 1] !== quote) return at;
        at++;
      } else if (!isEscaped(bytes, from, at, escapeBy)) {
        const escapeAt = escapeBy === undefined ? -1 : bytes.indexOf(escapeBy, from);
        this.#sawEscape = escapeAt >= 0 && escapeAt < at;
        return at;
      }
      this.#sawEscape = true;
    }
    return -1;
  }

  #split(): void {
    const { bytes } = this.window;
    const { delimiter } = this.#dialect;
    this.#count = 0;
    let start = this.start;
    if (delimiter !== undefined) {
      for (let at = start; at < this.end; at++) {
        if (bytes[at] !== delimiter) continue;
        this.#add(start, at, false);
        start = at + 1;
      }
    }
    this.#add(start, this.end, false);
    this.#isSplit = true;
  }

  #add(start: number, end: number, escaped: boolean): void {
    const field = this.#fields[this.#count];
    if (field) {
      field.start = start;
      field.end = end;
      field.escaped = escaped;
    } else this.#fields.push({ start, end, escaped });
    this.#count++;
  }

  /** An escape before a quote or another escape goes; before anything else it is text. */
  #unescaped(bytes: Buffer): Buffer {
    const { quote, escapeBy } = this.#dialect;
    const text = Buffer.allocUnsafe(bytes.length);
    let length = 0;
    for (let i = 0; i < bytes.length; i++) {
      const isEscape = bytes[i] === escapeBy && (bytes[i + 1] === quote || bytes[i + 1] === escapeBy);
      text[length++] = bytes[isEscape ? ++i : i]!;
    }
    return text.subarray(0, length);
  }
}

/** Whether an odd number of escapes stands before an index. */
function isEscaped(bytes: Buffer, from: number, at: number, escapeBy: number | undefined): boolean {
  let escapes = 0;
  while (at - 1 - escapes >= from && bytes[at - 1 - escapes] === escapeBy) escapes++;
  return escapes % 2 === 1;
}
