import { messageOf, SluiceError } from '../../errors.ts';
import { isFiniteNumber, isObject, type JsonObject } from '../../tasks/shapes.ts';
import type { Encoding, Text, Truncation } from './encoding.ts';
import { heavy } from './heavy.ts';
import { modelJson } from './model.ts';
import { repairedTokenizer } from './tokenizer-json.ts';
import { WordCache } from './word-cache.ts';

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
  readonly #words: WordCache | undefined;
  /** Tokens that the model takes, special ones included. */
  readonly maxLength: number;
  readonly padId: number;
  readonly maskToken: string;
  readonly unknownId: number | undefined;
  /** Tokens that go on a word are marked, as WordPiece does with `##`. */
  readonly marksSubwords: boolean;

  private constructor(
    native: NativeTokenizer,
    words: WordCache | undefined,
    folder: string,
    config: JsonObject,
    marksSubwords: boolean,
  ) {
    this.#native = native;
    this.#words = words;
    this.marksSubwords = marksSubwords;
    const own = modelJson(folder, 'tokenizer_config.json') ?? {};
    this.maxLength = longestInput(folder, own, config);
    const pad = tokenOf(own.pad_token);
    this.padId =
      (pad === undefined ? null : native.tokenToId(pad)) ??
      (isFiniteNumber(config.pad_token_id) ? config.pad_token_id : 0);
    this.maskToken = tokenOf(own.mask_token) ?? '[MASK]';
    const unknown = tokenOf(own.unk_token);
    this.unknownId = unknown === undefined ? undefined : (native.tokenToId(unknown) ?? undefined);
  }

  /** @throws {SluiceError} MODEL_FILE, MODEL_DAMAGED, ONNX_NOT_INSTALLED */
  static async open(folder: string, config: JsonObject): Promise<Tokenizer> {
    const file = modelJson(folder, 'tokenizer.json');
    if (file === undefined) {
      throw new SluiceError('MODEL_FILE', `model ${folder}: tokenizer.json is missing`, {
        next: 'save the fast tokenizer beside the model (AutoTokenizer.from_pretrained(…).save_pretrained(…))',
      });
    }
    const module = await heavy('@anush008/tokenizers', () => import('@anush008/tokenizers'));
    try {
      const repaired = repairedTokenizer(file);
      const opened = module.Tokenizer.fromString(JSON.stringify(repaired)) as unknown;
      const native = opened as NativeTokenizer;
      native.disablePadding();
      native.disableTruncation();
      const words = await WordCache.open(native, repaired);
      return new Tokenizer(native, words, folder, config, marksSubwords(file));
    } catch (error) {
      throw new SluiceError(
        'MODEL_DAMAGED',
        `model ${folder}: tokenizer.json cannot be used: ${messageOf(error)}`,
        {
          next: 'save it again with a recent version of transformers',
          cause: error,
        },
      );
    }
  }

  /**
   * @param truncation undefined: texts stay as long as they are
   * @returns an Error for a text that cannot be cut: where only one of a pair may be, and the other is too long
   */
  async encode(texts: readonly Text[], truncation: Truncation | undefined): Promise<(Encoding | Error)[]> {
    const known = await this.#words?.encode(texts, truncation);
    if (known === undefined) return this.#encodeWhole(texts, truncation);
    const others = texts.filter((_, i) => known[i] === undefined);
    const whole = others.length === 0 ? [] : await this.#encodeWhole(others, truncation);
    let next = 0;
    return known.map((encoding) => encoding ?? whole[next++]!);
  }

  async #encodeWhole(
    texts: readonly Text[],
    truncation: Truncation | undefined,
  ): Promise<(Encoding | Error)[]> {
    if (truncation !== undefined) {
      const { maxLength, strategy, direction = 'right', stride = 0 } = truncation;
      this.#native.setTruncation(maxLength, { strategy, direction, stride });
    }
    try {
      if (texts.every(({ pair }) => pair === undefined))
        return await this.#native.encodeBatch(texts.map(({ text }) => text));
      return await Promise.all(
        texts.map(({ text, pair }) =>
          this.#native.encode(text, pair).catch((error: unknown) => asError(error)),
        ),
      );
    } finally {
      this.#native.disableTruncation();
    }
  }

  tokenOf(id: number): string {
    return this.#native.idToToken(id) ?? '';
  }

  idOf(token: string): number | undefined {
    return this.#native.tokenToId(token) ?? undefined;
  }

  decode(ids: number[], skipSpecialTokens: boolean): Promise<string> {
    return this.#native.decode(ids, skipSpecialTokens);
  }
}

function marksSubwords({ model }: JsonObject): boolean {
  const prefix = isObject(model) ? model.continuing_subword_prefix : undefined;
  return typeof prefix === 'string' && prefix !== '';
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
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
