import { isUtf8 } from 'node:buffer';
import { messageOf } from '../errors.ts';
import { excerpt, notUtf8 } from './text.ts';

/**
 * What DuckDB's JSON reader lets pass and JSON does not: a comma before a closing bracket, NaN and Infinity in any
 * case. A hit may also be inside a string; `JSON.parse` then decides.
 */
const LENIENT = /,[\t\n\r ]*[\]}]|[[:,][\t\n\r ]*-?(?:nan|inf)/i;

/** An integer that may not fit BIGINT (19 digits and more), or something in a string that looks like one. */
const BIG_INTEGER = /[[:,][\t\n\r ]*-?\d{19,}(?![\d.e])/i;

/** DuckDB works through nested values recursively: 60,000 levels end the process. */
const MAX_DEPTH = 512;

/**
 * Whether UTF-8 bytes of many lines are free of everything that `lineProblem` looks for, except deep nesting. One
 * look at a megabyte is many times faster than one at each of its lines.
 */
export function isPlain(lines: Buffer): boolean {
  return isUtf8(lines) && !LENIENT.test(lines.toString('latin1'));
}

export function mayHaveBigIntegers(lines: Buffer): boolean {
  return BIG_INTEGER.test(lines.toString('latin1'));
}

/** Why a line must not reach DuckDB, or undefined. `isPlain`: that of the lines around it. */
export function lineProblem(line: Buffer, plain: boolean): string | undefined {
  if (!plain) {
    if (!isUtf8(line)) return notUtf8(line);
    if (LENIENT.test(line.toString('latin1'))) {
      const problem = parseProblem(line);
      if (problem) return problem;
    }
  }
  if (firstSign(line) !== OPEN_BRACE) return `not a JSON object: ${excerpt(line)}`;
  if (isDeep(line)) return `nested deeper than ${MAX_DEPTH} levels`;
  return undefined;
}

const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

function parseProblem(line: Buffer): string | undefined {
  try {
    JSON.parse(line.toString());
    return undefined;
  } catch (error) {
    return `not valid JSON: ${messageOf(error)}`;
  }
}

function firstSign(line: Buffer): number | undefined {
  return line.find((byte) => byte !== 0x20 && byte !== 0x09 && byte !== 0x0d);
}

function isDeep(line: Buffer): boolean {
  // Without so many opening brackets anywhere it cannot be.
  if (line.length < MAX_DEPTH) return false;
  if (countUpTo(line, OPEN_BRACE, MAX_DEPTH) + countUpTo(line, OPEN_BRACKET, MAX_DEPTH) < MAX_DEPTH)
    return false;
  let depth = 0;
  let inString = false;
  for (let i = 0; i < line.length; i++) {
    const byte = line[i];
    if (inString) {
      if (byte === BACKSLASH) i++;
      else if (byte === QUOTE) inString = false;
    } else if (byte === QUOTE) inString = true;
    else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
      if (++depth > MAX_DEPTH) return true;
    } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) depth--;
  }
  return false;
}

function countUpTo(line: Buffer, byte: number, limit: number): number {
  let count = 0;
  for (let at = line.indexOf(byte); at >= 0 && count < limit; at = line.indexOf(byte, at + 1)) count++;
  return count;
}
