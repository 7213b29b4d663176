import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { SluiceError } from '../../errors.ts';
import { isFiniteNumber, type JsonObject } from '../../tasks/shapes.ts';
import { heavy } from './heavy.ts';
import { modelJson } from './model.ts';

/** A text, or two that the model reads as a pair. */
export interface Text {
  text: string;
  pair?: string;
}

/** What is done to a text that is longer than the model takes. */
export interface Truncation {
  /** Tokens, special ones included. */
  maxLength: number;
  strategy: 'LongestFirst' | 'OnlyFirst' | 'OnlySecond';
  direction?: 'left' | 'right';
  /** Tokens that two windows over one text have in common; the windows after the first are `overflow`. */
  stride?: number;
}

/** A tokenised text. Offsets count code points of the text, as Python's strings and the API do. */
export interface Encoding {
  getIds(): number[];
  getTypeIds(): number[];
  getSpecialTokensMask(): number[];
  getOffsets(): [number, number][];
  /** For each token, the word that it belongs to; null for special tokens. */
  getWordIds(): (number | null)[];
  /** For each token, 0 or 1 for the first and second text; null for special tokens. */
  getSequenceIds(): (number | null)[];
  getOverflowing(): Encoding[];
}

/** The native tokenizer, as far as it is used; its own declarations leave out the types of its inputs. */
interface NativeTokenizer {
  encode(text: string, pair?: string): Promise<Encoding>;
  encodeBatch(texts: string[]): Promise<Encoding[]>;
  setTruncation(
    maxLength: number,
    options: { strategy: Truncation['strategy']; direction: string; stride: number },
  ): void;
  disableTruncation(): void;
  disablePadding(): void;
  tokenToId(token: string): number | null;
  idToToken(id: number): string | null;
  decode(ids: number[], skipSpecialTokens: boolean): Promise<string>;
}

/** Longest input of a model that says nothing of it. */
const usualLength = 512;
/** Larger lengths in tokenizer_config.json stand for "unlimited". */
const unlimited = 1e6;
/** Models that count positions from their padding token on, so that two of them are not for tokens. */
const offsetPositions = new Set([
  'roberta',
  'xlm-roberta',
  'camembert',
  'longformer',
  'mpnet',
  'data2vec-text',
]);

/** A model's tokenizer: its tokenizer.json, run by Hugging Face's own Rust implementation. */
export class Tokenizer {
  readonly #native: NativeTokenizer;
  /** Tokens that the model takes, special ones included. */
  readonly maxLength: number;
  readonly padId: number;
  readonly maskToken: string;

  private constructor(native: NativeTokenizer, folder: string, config: JsonObject) {
    this.#native = native;
    native.disablePadding();
    const own = modelJson(folder, 'tokenizer_config.json') ?? {};
    this.maxLength = longestInput(folder, own, config);
    const pad = tokenOf(own.pad_token);
    this.padId =
      (pad === undefined ? null : native.tokenToId(pad)) ??
      (isFiniteNumber(config.pad_token_id) ? config.pad_token_id : 0);
    this.maskToken = tokenOf(own.mask_token) ?? '[MASK]';
  }

  /** @throws {SluiceError} MODEL_FILE, MODEL_DAMAGED, ONNX_NOT_INSTALLED */
  static async open(folder: string, config: JsonObject): Promise<Tokenizer> {
    const path = join(folder, 'tokenizer.json');
    if (!existsSync(path)) {
      throw new SluiceError('MODEL_FILE', `model ${folder}: tokenizer.json is missing`, {
        next: 'save the fast tokenizer beside the model (AutoTokenizer.from_pretrained(…).save_pretrained(…))',
      });
    }
    const module = await heavy('@anush008/tokenizers', () => import('@anush008/tokenizers'));
    const native = module.Tokenizer.fromFile(path) as unknown as NativeTokenizer;
    return new Tokenizer(native, folder, config);
  }

  /** @param truncation undefined: texts stay as long as they are */
  async encode(texts: readonly Text[], truncation: Truncation | undefined): Promise<Encoding[]> {
    if (truncation === undefined) this.#native.disableTruncation();
    else {
      const { maxLength, strategy, direction = 'right', stride = 0 } = truncation;
      this.#native.setTruncation(maxLength, { strategy, direction, stride });
    }
    if (texts.every(({ pair }) => pair === undefined))
      return this.#native.encodeBatch(texts.map(({ text }) => text));
    return Promise.all(texts.map(({ text, pair }) => this.#native.encode(text, pair)));
  }

  idOf(token: string): number | undefined {
    return this.#native.tokenToId(token) ?? undefined;
  }

  decode(ids: number[], skipSpecialTokens: boolean): Promise<string> {
    return this.#native.decode(ids, skipSpecialTokens);
  }
}

function longestInput(folder: string, own: JsonObject, config: JsonObject): number {
  const limits: number[] = [];
  const take = (value: unknown, less = 0): void => {
    if (isFiniteNumber(value) && value > less && value < unlimited) limits.push(value - less);
  };
  take(own.model_max_length);
  take(modelJson(folder, 'sentence_bert_config.json')?.max_seq_length);
  take(config.max_position_embeddings, offsetPositions.has(String(config.model_type)) ? 2 : 0);
  return limits.length === 0 ? usualLength : Math.min(...limits);
}

/** A token is named by its text, or by an object that has it. */
function tokenOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  const content = (value as { content?: unknown } | null | undefined)?.content;
  return typeof content === 'string' ? content : undefined;
}
