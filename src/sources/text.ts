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

/** What is wrong with text that is not UTF-8: the first byte of the first sequence that is no character. */
export function notUtf8(bytes: Uint8Array): string {
  let at = 0;
  for (let length = 1; length > 0 && at < bytes.length; at += length) length = characterLength(bytes, at);
  return `not UTF-8: byte 0x${(bytes[at] ?? 0).toString(16).padStart(2, '0')} at place ${at + 1}`;
}

/** Bytes of the character at an index, or 0 where there is none: the table 3-7 of the Unicode standard. */
function characterLength(bytes: Uint8Array, at: number): number {
  const lead = bytes[at] ?? 0;
  if (lead < 0x80) return 1;
  const length = lead < 0xc2 || lead > 0xf4 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  // Shorter forms of other characters, surrogates, and what is beyond U+10FFFF.
  const from = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
  const to = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
  for (let i = 1; i < length; i++) {
    const byte = bytes[at + i] ?? 0;
    if (byte < (i === 1 ? from : 0x80) || byte > (i === 1 ? to : 0xbf)) return 0;
  }
  return length;
}
