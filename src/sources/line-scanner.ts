import { ByteWindow } from './byte-window.ts';
import { isBlank, type Position, startOfText, TEXT_START } from './text.ts';
import type { StoredBytes } from '../storage/storage.ts';

/** A line of more bytes than this is an error of its own, so that a file without line ends cannot fill the memory. */
export const MAX_RECORD_BYTES = 64 * 1024 * 1024;

const LF = 10;
const CR = 13;

/** Whether lines of white space alone are passed over. */
export type WhichLines = 'lines with text' | 'every line';

/**
 * The lines of a file, by default those that are not blank. LF and CRLF end a line; a CR alone does not, nor does U+2028, which JSON
 * allows inside a string.
 */
export class LineScanner {
  readonly window: ByteWindow;
  /** The current line is `window.bytes.subarray(start, end)`, without its end. */
  start = 0;
  end = 0;
  /** Number of the current line in the file, from 1. */
  line: number;
  /** Whether the current line is longer than a line may be; it is then empty. */
  tooLong = false;
  /** Index in the window where the next line begins. */
  #next = 0;
  readonly #maxBytes: number;
  readonly #which: WhichLines;

  constructor(
    file: StoredBytes,
    from: Position = TEXT_START,
    maxBytes = MAX_RECORD_BYTES,
    which: WhichLines = 'lines with text',
  ) {
    const offset = from.offset === 0 ? startOfText(file) : from.offset;
    this.window = new ByteWindow(file, offset);
    this.line = from.line - 1;
    this.#maxBytes = maxBytes;
    this.#which = which;
  }

  /** Where the line after the current one begins. */
  get position(): Position {
    return { offset: this.window.offset + this.#next, line: this.line + 1 };
  }

  /** Moves to the next line; false at the end of the file. */
  next(): boolean {
    while (this.#step()) {
      if (this.#which === 'every line' || this.tooLong) return true;
      if (!isBlank(this.window.bytes, this.start, this.end)) return true;
    }
    return false;
  }

  #step(): boolean {
    this.tooLong = false;
    let from = this.#next;
    let end = this.window.bytes.indexOf(LF, from);
    while (end < 0) {
      const seen = this.window.bytes.length - from;
      if (seen > this.#maxBytes) return this.#skipLine();
      const isMore = this.window.more(from);
      from = 0;
      if (!isMore) {
        if (seen === 0) return this.#stop();
        end = seen;
        break;
      }
      end = this.window.bytes.indexOf(LF, seen);
    }
    this.start = from;
    this.end = this.window.bytes[end - 1] === CR && end > from ? end - 1 : end;
    this.#next = Math.min(end + 1, this.window.bytes.length);
    this.line++;
    return true;
  }

  /** Passes over a line that is too long, keeping none of it. */
  #skipLine(): boolean {
    let end = -1;
    while (end < 0 && this.window.more(this.window.bytes.length)) end = this.window.bytes.indexOf(LF);
    this.start = this.end = 0;
    this.#next = end + 1;
    this.tooLong = true;
    this.line++;
    return true;
  }

  #stop(): boolean {
    this.start = this.end = this.#next = 0;
    return false;
  }
}
