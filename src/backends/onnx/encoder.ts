import { SluiceError } from '../../errors.ts';
import type { Question } from '../backend.ts';
import { Unanswerable } from '../../tasks/task.ts';
import { type Head, isOf, type Sequence, type Shape } from './head.ts';
import { packed, tokensPerRun } from './packing.ts';
import type { Answered, Prepared, Runner } from './runner.ts';
import type { Input, Output, Session } from './session.ts';
import type { Encoding, Text, Truncation } from './encoding.ts';
import type { Tokenizer } from './tokenizer.ts';

/** Sequences of a run at most: hundreds of one-word texts gain nothing from more. */
const sequencesPerRun = 128;
/** Tokens of a group of rows that have several sequences each: room to pack them by length. */
const tokensPerGroup = 4 * tokensPerRun;

const otherModel = 'choose a model that was exported to ONNX for this task';
/** The shapes of outputs in words. */
const shapes = {
  text: 'numbers for each text',
  tokens: 'numbers for each token',
  places: 'a number for each token',
} satisfies Record<Shape, string>;

const known = ['input_ids', 'attention_mask', 'token_type_ids', 'position_ids'];

/** Answers rows with one forward pass of an encoder for each run, whatever the task's head is. */
export class Encoder<T> implements Runner {
  readonly #name: string;
  readonly #session: Session;
  readonly #tokenizer: Tokenizer;
  readonly #head: Head<T>;
  /** Sizes that the graph fixes. */
  readonly #fixedBatch: number | undefined;
  readonly #fixedLength: number | undefined;

  /** @throws {SluiceError} MODEL_TASK when the graph has other inputs or outputs than the task needs */
  constructor(name: string, session: Session, tokenizer: Tokenizer, head: Head<T>) {
    const strange = session.inputs.find((input) => !known.includes(input));
    const missing = Object.keys(head.outputs).find((output) => !session.outputs.includes(output));
    if (strange !== undefined || missing !== undefined) {
      const what =
        strange === undefined
          ? `gives no ${missing}, only ${session.outputs.join(', ')}`
          : `wants the input ${strange}, which no text encoder has`;
      throw new SluiceError('MODEL_TASK', `model ${name}: ${what}`, {
        next: otherModel,
      });
    }
    this.#name = name;
    this.#session = session;
    this.#tokenizer = tokenizer;
    this.#head = head;
    this.#fixedBatch = session.fixedSize('input_ids', 0);
    this.#fixedLength = session.fixedSize('input_ids', 1);
  }

  /**
   * Does a run as large as any, before the first one: ONNX Runtime lays its memory out by it. After a first run of 17 tokens,
   * those of 2 x 256 of MiniLM took 5 % longer for the rest of the process, and a job 1.5 %.
   */
  async fillMemory(): Promise<void> {
    const length = this.#fixedLength ?? Math.min(this.#tokenizer.maxLength, tokensPerRun);
    const count = this.#fixedBatch ?? Math.max(1, Math.floor(tokensPerRun / length));
    const text = new Array<number>(length).fill(this.#tokenizer.padId);
    const texts = new Array<number[]>(count).fill(text);
    const types = text.map(() => 0);
    try {
      await this.#session.run(
        this.#feeds(texts, () => types),
        Object.keys(this.#head.outputs),
      );
    } catch {
      // A model that takes fewer tokens than its files say: it answers shorter texts, and the rows of the others are
      // refused with the reason.
    }
  }

  async prepare(questions: readonly Question[], plan?: number[][]): Promise<Prepared> {
    const refused: [number, string][] = [];
    const wanted = plan === undefined ? questions.map((_, row) => row) : [...new Set(plan.flat())];
    const sequences = await this.#sequences(questions, wanted, refused);
    return {
      plan: plan ?? this.#plan(sequences),
      refused,
      run: (rows) => this.#run(rows, questions, sequences),
    };
  }

  /** The tokenised texts of each row. */
  async #sequences(
    questions: readonly Question[],
    rows: readonly number[],
    refused: [number, string][],
  ): Promise<Map<number, Sequence[]>> {
    // Rows that are cut in the same way are tokenised together.
    const groups = new Map<
      string,
      { truncation: Truncation | undefined; texts: Text[]; owners: Sequence[][] }
    >();
    const sequences = new Map<number, Sequence[]>();
    const owner = new Map<Sequence[], number>();
    for (const row of rows) {
      const question = questions[row]!;
      try {
        const truncation = this.#head.truncation(question);
        const key = JSON.stringify(truncation ?? null);
        const group = groups.get(key) ?? { truncation, texts: [], owners: [] };
        groups.set(key, group);
        const own: Sequence[] = [];
        for (const text of this.#head.texts(question)) {
          group.texts.push(text);
          group.owners.push(own);
        }
        sequences.set(row, own);
        owner.set(own, row);
      } catch (error) {
        if (!(error instanceof Unanswerable)) throw error;
        refused.push([row, error.message]);
      }
    }
    const refuse = (own: Sequence[], why: string): void => {
      const row = owner.get(own)!;
      if (sequences.delete(row)) refused.push([row, why]);
    };
    const limit = this.#tokenizer.maxLength;
    for (const { truncation, texts, owners } of groups.values()) {
      const encodings = await this.#tokenizer.encode(texts, truncation);
      for (const [i, own] of owners.entries()) {
        const encoding = encodings[i]!;
        if (encoding instanceof Error) {
          refuse(own, `the text cannot be cut to what the model takes: ${encoding.message}`);
          continue;
        }
        const overflow = truncation?.stride === undefined ? [] : encoding.getOverflowing();
        const text = owners[i - 1] === own ? (own.at(-1)?.text ?? -1) + 1 : 0;
        own.push(...[encoding, ...overflow].map((each) => sequenceOf(each, text)));
        const { length } = own.at(-1)!.ids;
        if (truncation === undefined && length > limit)
          refuse(own, `the text has ${length} tokens, the model takes ${limit}`);
      }
    }
    return sequences;
  }

  #plan(sequences: ReadonlyMap<number, readonly Sequence[]>): number[][] {
    const rows = [...sequences.keys()];
    const longest = rows.map((row) => Math.max(0, ...sequences.get(row)!.map(({ ids }) => ids.length)));
    if (rows.every((row) => sequences.get(row)!.length === 1))
      return this.#packed(longest).map((run) => run.map((i) => rows[i]!));
    const order = rows.map((_, i) => i).sort((a, b) => longest[b]! - longest[a]! || a - b);
    const groups: number[][] = [];
    let room = 0;
    for (const i of order) {
      const tokens = longest[i]! * sequences.get(rows[i]!)!.length;
      if (groups.length === 0 || tokens > room) {
        groups.push([]);
        room = tokensPerGroup;
      }
      groups.at(-1)!.push(rows[i]!);
      room -= tokens;
    }
    return groups;
  }

  async #run(
    rows: readonly number[],
    questions: readonly Question[],
    sequences: ReadonlyMap<number, readonly Sequence[]>,
  ): Promise<Answered> {
    const units = rows.flatMap((row) => sequences.get(row)!.map((sequence) => ({ row, sequence })));
    const taken = new Array<T>(units.length);
    for (const run of this.#packed(units.map(({ sequence }) => sequence.ids.length))) {
      const outputs = await this.#session.run(
        this.#feeds(
          run.map((unit) => units[unit]!.sequence.ids),
          (i) => units[run[i]!]!.sequence.encoding.getTypeIds(),
        ),
        Object.keys(this.#head.outputs),
      );
      this.#checkShapes(outputs);
      for (const [position, unit] of run.entries()) {
        const { row, sequence } = units[unit]!;
        taken[unit] = this.#head.take(outputs, position, sequence, questions[row]!);
      }
    }
    const refused: [number, string][] = [];
    let next = 0;
    const answers: unknown[] = [];
    for (const row of rows) {
      const own = sequences.get(row)!;
      const first = next;
      next += own.length;
      try {
        answers.push(await this.#head.answer(questions[row]!, taken.slice(first, next), own));
      } catch (error) {
        if (!(error instanceof Unanswerable)) throw error;
        refused.push([row, error.message]);
        answers.push(undefined);
      }
    }
    return { answers, refused };
  }

  /** A name says nothing of what is in an output; a model of another kind would be read as if it fitted. */
  #checkShapes(outputs: Readonly<Record<string, Output>>): void {
    for (const [name, shape] of Object.entries(this.#head.outputs)) {
      const { dims } = outputs[name]!;
      if (isOf(shape, dims)) continue;
      throw new SluiceError(
        'MODEL_TASK',
        `model ${this.#name}: gives ${name} of the shape [${dims.join(', ')}]; the task needs ${shapes[shape]}`,
        { next: otherModel },
      );
    }
  }

  #packed(lengths: readonly number[]): number[][] {
    return packed(lengths, tokensPerRun, this.#fixedBatch ?? sequencesPerRun);
  }

  /** @param typesOf type ids of a text, where the graph wants them */
  #feeds(texts: readonly (readonly number[])[], typesOf: (i: number) => number[]): Record<string, Input> {
    // An empty text may have no token at all; a run has at least one, masked.
    const longest = Math.max(1, ...texts.map((tokens) => tokens.length));
    const length = this.#fixedLength ?? longest;
    const count = this.#fixedBatch ?? texts.length;
    const { padId } = this.#tokenizer;
    const ids = new Int32Array(count * length);
    if (padId !== 0) ids.fill(padId);
    const mask = new Int32Array(count * length);
    for (const [i, tokens] of texts.entries()) {
      ids.set(tokens, i * length);
      mask.fill(1, i * length, i * length + tokens.length);
    }
    const all: Record<string, () => Int32Array> = {
      input_ids: () => ids,
      attention_mask: () => mask,
      token_type_ids: () => {
        const types = new Int32Array(count * length);
        for (const i of texts.keys()) types.set(typesOf(i), i * length);
        return types;
      },
      position_ids: () => Int32Array.from({ length: count * length }, (_, i) => i % length),
    };
    const feeds: Record<string, Input> = {};
    for (const name of this.#session.inputs)
      feeds[name] = { type: 'ids', data: all[name]!(), dims: [count, length] };
    return feeds;
  }
}

function sequenceOf(encoding: Encoding, text: number): Sequence {
  return { ids: encoding.getIds(), encoding, text };
}
