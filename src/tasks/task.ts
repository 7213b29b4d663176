import type { Field } from 'apache-arrow';
import type * as z from 'zod';
import { messageOf } from '../errors.ts';

/**
 * What a task input is made of:
 * `text` one string; `texts` a list of strings; `audio`, `image` bytes; `table` named columns of cells.
 */
export type InputKind = 'text' | 'texts' | 'audio' | 'image' | 'table';

export interface InputSpec {
  kind: InputKind;
  required: boolean;
  description: string;
}

/** A binary input, with what is known of where it came from. */
export interface Binary {
  bytes: Uint8Array;
  /** MIME type told by the bytes themselves; undefined where they tell nothing. */
  contentType?: string;
}

/** One input of one row, as `mapping/` hands it over and contracts encode it. */
export type InputValue = string | string[] | Binary | Record<string, string[]>;

/** The inputs of one row, by input name. Optional inputs that are null in the row are left out. */
export type Inputs = Record<string, InputValue>;

/** Parameters of one row as the API names them, checked against the task's schema. */
export type Parameters = Record<string, unknown>;

/** One row of results, by result column. Plain JavaScript values that fit the column's Arrow type; absent is null. */
export type ResultRow = Record<string, unknown>;

/**
 * A machine-learning task: what it takes, what it answers, and which columns the answer becomes.
 * One file each; parsing, lint, JSON Schema, `sluice tasks` and docs/tasks.md all come from this value.
 */
export interface Task {
  name: string;
  aliases: readonly string[];
  /** One line. */
  summary: string;
  inputs: Readonly<Record<string, InputSpec>>;
  /**
   * The parameters, each with type, range and `.describe()`; a strict object. `extra` is not part of it:
   * it passes anything else through and is handled once, for all tasks.
   */
  parameters: z.ZodObject;
  /** Names of those parameters that `decode` applies here; they are never sent. */
  localParameters?: readonly string[];
  /**
   * Its answers are lists of numbers, of which `decode` wants no more than 32 bits: it takes the innermost lists also as
   * `Float32Array`.
   */
  answersFloats?: true;
  /** It finds several things in one text: whatever a server answers for it is a list. */
  findsSeveral?: true;
  /** A model that serves the task, for examples. */
  exampleModel: string;
  /** Example bindings for a job file: input or parameter name to the YAML value. */
  example: { inputs: Record<string, unknown>; parameters?: Record<string, unknown> };
  /**
   * The result columns for these parameters. A vector whose length only the first answer tells is
   * `FixedSizeList` with `listSize` 0; it is filled in when known.
   */
  columns(parameters: Parameters): Field[];
  /**
   * One row's answer, in any of the shapes that servers are known to send, as result columns.
   * @throws {DecodeError} for an unknown shape, with an excerpt of it
   */
  decode(answer: unknown, parameters: Parameters): ResultRow;
  /**
   * The deterministic answer of `sluice emulate` in the API's documented shape.
   * @throws {Unanswerable} for inputs that a real model refuses
   */
  emulate(inputs: Inputs, parameters: Parameters): unknown;
}

/** An answer that has none of the task's known shapes. The row fails, with the excerpt; it is not asked again. */
export class DecodeError extends Error {
  override readonly name = 'DecodeError';
  constructor(expected: string, answer: unknown) {
    super(`unexpected answer: wanted ${expected}, got ${excerptOf(answer)}`);
  }
}

/** Inputs that a real model refuses, such as a text without a mask for fill-mask; the emulator answers 400 with it. */
export class Unanswerable extends Error {
  override readonly name = 'Unanswerable';
}

/** The beginning of a value as JSON, short enough for an error message. */
export function excerptOf(value: unknown, length = 160): string {
  const text = typeof value === 'string' ? value : asJson(value);
  return text.length <= length ? text : `${text.slice(0, length)}…`;
}

/** JSON.parse takes brackets nested deeper than JSON.stringify can follow; that is an odd answer, not a crash. */
function asJson(value: unknown): string {
  try {
    return JSON.stringify(value, floatsAsNumbers) ?? String(value);
  } catch (error) {
    return `a value that cannot be shown (${messageOf(error)})`;
  }
}

/** More numbers of a vector than an excerpt has room for. */
const SHOWN_NUMBERS = 500;

/** A vector of 32-bit floats as JSON has it: `[0.1]`, not `{"0": 0.10000000149011612}`. */
function floatsAsNumbers(_: string, value: unknown): unknown {
  if (!(value instanceof Float32Array)) return value;
  return Array.from(value.subarray(0, SHOWN_NUMBERS), (float) => {
    for (let digits = 6; digits < 9; digits++) {
      const short = Number(float.toPrecision(digits));
      if (Math.fround(short) === float) return short;
    }
    return float;
  });
}
