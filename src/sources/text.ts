import type { StoredBytes } from '../storage/storage.ts';

/** A place in a text file where a reader can start. */
export interface Position {
  /** Bytes from the beginning of the file. */
  offset: number;
  /** Number of the line that begins there, from 1. */
  line: number;
}

export const TEXT_START: Position = { offset: 0, line: 1 };

/** Where a file's text begins: after its byte order mark, if it has one. */
export function startOfText(file: StoredBytes): number {
  const head = new Uint8Array(3);
  const count = file.read(head, 0);
  return count === 3 && head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf ? 3 : 0;
}

/** Whether there is nothing but white space (as JSON has it) between two indexes. */
export function isBlank(bytes: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) {
    const byte = bytes[i];
    if (byte !== 0x20 && byte !== 0x09 && byte !== 0x0d && byte !== 0x0a) return false;
  }
  return true;
}

/** The beginning of some text for a message; bytes that are not UTF-8 show as U+FFFD. */
export function excerpt(bytes: Uint8Array, length = 80): string {
  const text = new TextDecoder().decode(bytes.subarray(0, length * 4));
  return text.length <= length ? text : `${text.slice(0, length)}…`;
}

/** What is wrong with text that is not UTF-8: its first byte that does not belong. */
export function notUtf8(bytes: Uint8Array): string {
  let end = bytes.length;
  for (let start = 0; end - start > 1; ) {
    // The decoder says only whether all is well, so the place is found by halves; sequences have at most 4 bytes.
    const middle = start + ((end - start) >> 1);
    if (isUtf8Start(bytes.subarray(0, middle))) start = middle;
    else end = middle;
  }
  return `not UTF-8: byte 0x${(bytes[end - 1] ?? 0).toString(16).padStart(2, '0')} at place ${end}`;
}

/** Whether bytes can be the beginning of UTF-8 text; they may end inside a character. */
function isUtf8Start(bytes: Uint8Array): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: true });
    return true;
  } catch {
    return false;
  }
}
