import { isObject, type JsonObject } from '../../tasks/shapes.ts';
import type { Encoding, Text, Truncation } from './encoding.ts';
import {
  type Frame,
  frameOf,
  JoinedEncoding,
  type Part,
  pointsIn,
  type Word,
  wordEnd,
} from './joined-encoding.ts';

/** The tokenizer behind the cache, which takes texts as they are and cuts nothing. */
export interface WholeTexts {
  encode(text: string, pair?: string): Promise<Encoding>;
}

/** Words of a generation. Two of them, at some 300 bytes a word, take 10 MB. */
const wordsKept = 16_384;
/** UTF-16 units of a word that is kept: longer ones are rarely met twice. */
const longestKept = 64;
/** V8 makes a view of the whole text where a word has so many units, and the text lives as long as the word. */
const viewLength = 13;
/** Words that the tokenizer gets as one text; of much longer ones it leaves the processor's cache. */
const wordsAtOnce = 1_000;
/** Tokens of a word that is not known yet. */
const none: readonly number[] = [];

/** The words of a text, or of the beginning that is more than the model takes. */
interface Beginning {
  words: Word[];
  isWhole: boolean;
}

/**
 * Remembers the tokens of words, so that a text costs a look-up for each of its words. A dataset has few words, and
 * tokenising each of its texts from end to end takes a tenth of the time of a small model.
 *
 * It is for tokenizers whose answer for a text is that for its words, one after the other: BERT's, which never looks
 * across a space. The tokens themselves are all the tokenizer's own.
 */
export class WordCache {
  readonly #tokenizer: WholeTexts;
  readonly #single: Frame;
  readonly #pair: Frame;
  /** Tokens that have spaces in them, or take those beside them. */
  readonly #acrossWords: readonly string[];
  /** Words met lately. The generation before is dropped when this one is full. */
  #young = new Map<string, Word>();
  #old = new Map<string, Word>();

  private constructor(tokenizer: WholeTexts, single: Frame, pair: Frame, acrossWords: readonly string[]) {
    this.#tokenizer = tokenizer;
    this.#single = single;
    this.#pair = pair;
    this.#acrossWords = acrossWords;
  }

  /**
   * @param file the tokenizer.json
   * @returns undefined for a tokenizer whose words depend on each other
   */
  static async open(tokenizer: WholeTexts, file: JsonObject): Promise<WordCache | undefined> {
    const steps = [file.normalizer, file.pre_tokenizer, file.model];
    const types = steps.map((step) => (isObject(step) ? step.type : undefined));
    if (types.join() !== 'BertNormalizer,BertPreTokenizer,WordPiece') return undefined;
    const added = Array.isArray(file.added_tokens) ? (file.added_tokens as JsonObject[]) : [];
    const across = added.filter(
      ({ lstrip, rstrip, content }) => lstrip === true || rstrip === true || /\s/.test(String(content)),
    );
    // Those are looked for in the normalised text, which is not known here.
    if (across.some(({ normalized }) => normalized !== false)) return undefined;
    return new WordCache(
      tokenizer,
      frameOf(await tokenizer.encode('a')),
      frameOf(await tokenizer.encode('a', 'a')),
      across.map(({ content }) => String(content)),
    );
  }

  /** @returns undefined for a text that only the tokenizer itself can tell the tokens of */
  async encode(
    texts: readonly Text[],
    truncation: Truncation | undefined,
  ): Promise<(Encoding | undefined)[]> {
    const fresh = new Map<string, Word>();
    const split = texts.map((text) => this.#split(text, truncation, fresh));
    if (fresh.size > 0) await this.#learn(fresh);
    return split.map((beginnings, i) => beginnings && this.#joined(texts[i]!, beginnings, truncation));
  }

  /** The words of a text, or of two. What is far behind the cut is not looked at. */
  #split(
    { text, pair }: Text,
    truncation: Truncation | undefined,
    fresh: Map<string, Word>,
  ): Beginning[] | undefined {
    const texts = pair === undefined ? [text] : [text, pair];
    if (texts.some((each) => this.#acrossWords.some((token) => each.includes(token)))) return undefined;
    const most = (truncation?.maxLength ?? Number.POSITIVE_INFINITY) + 1;
    return texts.map((each) => this.#beginningOf(each, most, fresh));
  }

  #joined(
    { text, pair }: Text,
    [first, second]: readonly Beginning[],
    truncation: Truncation | undefined,
  ): Encoding | undefined {
    const parts: Part[] = [{ text, words: first!.words, kept: tokensOf(first!) }];
    if (pair !== undefined) parts.push({ text: pair, words: second!.words, kept: tokensOf(second!) });
    const frame = pair === undefined ? this.#single : this.#pair;
    const most = truncation?.maxLength ?? Number.POSITIVE_INFINITY;
    // Some words had fewer tokens than was thought.
    if (!first!.isWhole && parts[0]!.kept <= most) return undefined;
    if (second?.isWhole === false) return undefined;
    const tooMany = parts.reduce((sum, { kept }) => sum + kept, frame.marks) - most;
    if (tooMany > 0) {
      const { strategy, direction, stride } = truncation!;
      const cutsFirst = strategy === 'OnlyFirst' || (strategy === 'LongestFirst' && pair === undefined);
      parts[0]!.kept -= tooMany;
      if (!cutsFirst || direction === 'left' || stride !== undefined || parts[0]!.kept <= 0) return undefined;
    }
    return new JoinedEncoding(frame, parts);
  }

  /** The words of a text, to its end or to that many tokens. Those that nobody knows yet are put to the fresh ones. */
  #beginningOf(text: string, mostTokens: number, fresh: Map<string, Word>): Beginning {
    const words: Word[] = [];
    let tokens = 0;
    let at = 0;
    while (at < text.length && tokens < mostTokens) {
      const end = wordEnd(text, at);
      if (end > at) {
        const word = this.#wordOf(text.slice(at, end), fresh);
        // One that is not known yet has a token, unless it is made of signs that are dropped.
        tokens += word.ids === none ? 1 : word.ids.length;
        words.push(word);
      }
      at = end + 1;
    }
    return { words, isWhole: at >= text.length };
  }

  #wordOf(text: string, fresh: Map<string, Word>): Word {
    let word = this.#young.get(text);
    if (word !== undefined) return word;
    word = this.#old.get(text);
    if (word !== undefined) {
      this.#keep(text, word);
      return word;
    }
    word = fresh.get(text) ?? { ids: none, places: none };
    fresh.set(text, word);
    return word;
  }

  /** Asks for many of them as one text, which takes a fifth of the time of asking one by one. */
  async #learn(fresh: ReadonlyMap<string, Word>): Promise<void> {
    const words = [...fresh];
    for (let i = 0; i < words.length; i += wordsAtOnce)
      await this.#learnSome(words.slice(i, i + wordsAtOnce));
  }

  async #learnSome(fresh: readonly [string, Word][]): Promise<void> {
    const encoding = await this.#tokenizer.encode(fresh.map(([text]) => text).join(' '));
    const [ids, offsets, parts] = [encoding.getIds(), encoding.getOffsets(), encoding.getWordIds()];
    const last = ids.length - (this.#single.marks - this.#single.before);
    let token = this.#single.before;
    let start = 0;
    for (const [text, word] of fresh) {
      const end = start + pointsIn(text);
      const first = token;
      while (token < last && offsets[token]![0] < end) token++;
      word.ids = ids.slice(first, token);
      const places = new Array<number>(3 * (token - first));
      for (let i = first, to = 0; i < token; i++) {
        places[to++] = offsets[i]![0] - start;
        places[to++] = offsets[i]![1] - start;
        places[to++] = parts[i]! - parts[first]!;
      }
      word.places = places;
      start = end + 1;
      if (text.length <= longestKept) this.#keep(text, word);
    }
  }

  #keep(text: string, word: Word): void {
    if (this.#young.size >= wordsKept) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    const key = text.length < viewLength ? text : Buffer.from(text, 'utf16le').toString('utf16le');
    this.#young.set(key, word);
  }
}

function tokensOf({ words }: Beginning): number {
  return words.reduce((sum, { ids }) => sum + ids.length, 0);
}
