import type { Encoding } from './encoding.ts';

/** A word's tokens as the tokenizer gives them for the word alone. */
export interface Word {
  ids: readonly number[];
  /**
   * Three numbers for each token: the code points of the word from and to which it goes, and the part of the word that
   * it is of, as punctuation is a part of its own. Flat, because thousands of words are kept.
   */
  places: readonly number[];
}

/** What stands where in an encoding: a special token, or the tokens of the first or second text. */
type Slot = { id: number; type: number } | { sequence: 0 | 1; type: number };

/** What a tokenizer puts around one text, or around two. */
export interface Frame {
  slots: readonly Slot[];
  /** Special tokens before the first text, and in all. */
  before: number;
  marks: number;
}

/** A text of a pair, with its words and how many of their tokens are kept. */
export interface Part {
  text: string;
  words: readonly Word[];
  kept: number;
}

/** @param encoding of a text, or a pair of them, that has a token at least */
export function frameOf(encoding: Encoding): Frame {
  const [ids, types, sequences] = [encoding.getIds(), encoding.getTypeIds(), encoding.getSequenceIds()];
  const slots: Slot[] = [];
  for (const [i, id] of ids.entries()) {
    const sequence = sequences[i] as 0 | 1 | null;
    if (sequence === null) slots.push({ id, type: types[i]! });
    else if (i === 0 || sequences[i - 1] !== sequence) slots.push({ sequence, type: types[i]! });
  }
  return {
    slots,
    before: sequences.indexOf(0),
    marks: slots.filter((slot) => 'id' in slot).length,
  };
}

/** Where the word ends that begins at `at`; there, if none does. Words are separated by what every tokenizer separates. */
export function wordEnd(text: string, at: number): number {
  let end = at;
  while (end < text.length && !isSpace(text.charCodeAt(end))) end++;
  return end;
}

/** Code points of a text. */
export function pointsIn(text: string): number {
  let points = 0;
  for (const _ of text) points++;
  return points;
}

/** Space, tab, line feed, carriage return: there are other spaces, which stay within a word. */
function isSpace(unit: number): boolean {
  return unit === 32 || unit === 9 || unit === 10 || unit === 13;
}

/** An encoding that is put together from those of its words. Only the ids are made at once; few tasks read more. */
export class JoinedEncoding implements Encoding {
  readonly #frame: Frame;
  readonly #parts: readonly Part[];
  readonly #ids: number[];

  /** @param parts one or two, as the frame has places */
  constructor(frame: Frame, parts: readonly Part[]) {
    this.#frame = frame;
    this.#parts = parts;
    const ids: number[] = [];
    for (const slot of frame.slots) {
      if ('id' in slot) ids.push(slot.id);
      else {
        const { words, kept } = parts[slot.sequence]!;
        const end = ids.length + kept;
        for (const word of words) for (const id of word.ids) if (ids.length < end) ids.push(id);
      }
    }
    this.#ids = ids;
  }

  getIds(): number[] {
    return this.#ids;
  }

  getTypeIds(): number[] {
    return this.#each(
      ({ type }) => type,
      ({ type }, { kept }) => new Array<number>(kept).fill(type),
    );
  }

  getSpecialTokensMask(): number[] {
    return this.#each(
      () => 1,
      (_, { kept }) => new Array<number>(kept).fill(0),
    );
  }

  getSequenceIds(): (number | null)[] {
    return this.#each<number | null>(
      () => null,
      ({ sequence }, { kept }) => new Array<number>(kept).fill(sequence),
    );
  }

  getOffsets(): [number, number][] {
    return this.#each(
      (): [number, number] => [0, 0],
      (_, part) => offsetsOf(part),
    );
  }

  getWordIds(): (number | null)[] {
    return this.#each<number | null>(
      () => null,
      (_, part) => wordIdsOf(part),
    );
  }

  /** None: what does not fit is left to the tokenizer itself where anybody asks for it. */
  getOverflowing(): Encoding[] {
    return [];
  }

  /** A value for each token. @param ofText values of a text's tokens; those that are cut off may be among them */
  #each<T>(
    ofMark: (slot: Extract<Slot, { id: number }>) => T,
    ofText: (slot: Extract<Slot, { sequence: 0 | 1 }>, part: Part) => T[],
  ): T[] {
    return this.#frame.slots.flatMap((slot) => {
      if ('id' in slot) return [ofMark(slot)];
      const part = this.#parts[slot.sequence]!;
      return ofText(slot, part).slice(0, part.kept);
    });
  }
}

function offsetsOf({ text, words }: Part): [number, number][] {
  const offsets: [number, number][] = [];
  let at = 0;
  let points = 0;
  for (const { places } of words) {
    while (isSpace(text.charCodeAt(at))) {
      at++;
      points++;
    }
    for (let i = 0; i < places.length; i += 3) offsets.push([points + places[i]!, points + places[i + 1]!]);
    const end = wordEnd(text, at);
    points += pointsIn(text.slice(at, end));
    at = end;
  }
  return offsets;
}

function wordIdsOf({ words }: Part): number[] {
  const ids: number[] = [];
  let base = 0;
  for (const { places } of words) {
    for (let i = 2; i < places.length; i += 3) ids.push(base + places[i]!);
    if (places.length > 0) base += places.at(-1)! + 1;
  }
  return ids;
}
