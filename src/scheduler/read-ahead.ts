import type { Clock } from './clock.ts';

/** Items in memory for each place: one in flight, the others read ahead or waiting for their next attempt. */
const itemsPerPlace = 4;
/** Reading goes on when no more than so many are left. In runs of rows it costs less than one for each answer. */
const goOnBelowPerPlace = 2;
/** Fewer are read ahead where they hold more than this together: 32 places would have 640 MB of images of 5 MB. */
const aheadBytes = 64 * 1024 * 1024;

/**
 * What is to be asked, in order, in pieces: the items of a piece are there at once, and made when they are taken. A
 * piece for each item costs a few promises an item, which is as much as to make and encode it.
 */
export type ItemSource<T> = AsyncIterable<Iterable<T>>;

export interface BatchingOptions<T> {
  /** Items in a request. */
  batchSize: number;
  /** Items share a request only when their keys are equal. Default: all may. */
  batchKey?: (item: T) => string;
  /**
   * Where it is given, a batch ends with the items that it is true for and nowhere else: neither `batchSize` nor a
   * source that pauses cuts it. The source must not pause within a batch.
   */
  endsBatch?: (item: T) => boolean;
  /** Bytes that an item holds in memory, once it is read and until it is settled. Default: not counted. */
  bytesOf?: (item: T) => number;
}

export interface ReadAheadOptions<T> extends BatchingOptions<T> {
  clock: Pick<Clock, 'sleep'>;
  /** Requests that may be in flight now. */
  places: () => number;
  /** Takes the items of one request. */
  take: (batch: readonly T[]) => void;
}

/**
 * Reads items no further ahead than the endpoint needs them, and forms the batches that share a request.
 * Knows nothing of requests but how many may be in flight.
 */
export class ReadAhead<T> {
  readonly #options: ReadAheadOptions<T>;
  /** Items read and not settled, and their bytes. */
  #outstanding = 0;
  #bytes = 0;
  /** Items of the batch that is not full yet, and their key. */
  #batch: T[] = [];
  #key: string | undefined;
  /** Whether the source is being waited for, how often it has given a piece, and whether `#watch` has its timer out. */
  #waiting = false;
  #pieces = 0;
  #watching = false;
  #stopped = false;
  /** Wakes the reading that waits for room; undefined while it does not. */
  #goOn: (() => void) | undefined;

  constructor(options: ReadAheadOptions<T>) {
    this.#options = options;
  }

  /** Items read and not settled. */
  get outstanding(): number {
    return this.#outstanding;
  }

  /**
   * Resolves when the source is exhausted, or soon after `stop`.
   * @throws what the source threw
   */
  async read(source: ItemSource<T>): Promise<void> {
    const pieces = source[Symbol.asyncIterator]();
    try {
      while (!this.#stopped) {
        const piece = await this.#next(pieces);
        if (piece.done) break;
        for (const item of piece.value) {
          this.#add(item);
          if (this.#mayWait() && this.#isFull()) {
            this.#flush();
            await this.#room();
          }
          if (this.#stopped) break;
        }
      }
      this.#flush();
    } finally {
      // The source is told that nobody reads on; it may hold a file or a query open.
      if (this.#stopped) void pieces.return?.();
    }
  }

  /** An item needs its memory no more. */
  settled(item: T): void {
    this.#outstanding--;
    this.#bytes -= this.#options.bytesOf?.(item) ?? 0;
    if (this.#goOn !== undefined && this.#hasRoom()) this.#wake();
  }

  /** Nothing more is read or taken. */
  stop(): void {
    this.#stopped = true;
    this.#wake();
  }

  #add(item: T): void {
    const { batchSize, batchKey, endsBatch, bytesOf } = this.#options;
    const key = batchKey?.(item);
    if (key !== this.#key) this.#flush();
    this.#key = key;
    this.#batch.push(item);
    this.#outstanding++;
    this.#bytes += bytesOf?.(item) ?? 0;
    if (endsBatch === undefined ? this.#batch.length >= batchSize : endsBatch(item)) this.#flush();
  }

  #flush(): void {
    const batch = this.#batch;
    if (batch.length === 0 || this.#stopped) return;
    this.#batch = [];
    this.#options.take(batch);
  }

  #mayWait(): boolean {
    return this.#options.endsBatch === undefined || this.#batch.length === 0;
  }

  /** Whether nothing more is read for now. However wide the items are, each place of the endpoint may have its own. */
  #isFull(): boolean {
    const inPlaces = this.#inPlaces();
    if (this.#outstanding >= inPlaces * itemsPerPlace) return true;
    return this.#bytes >= aheadBytes && this.#outstanding >= inPlaces;
  }

  #hasRoom(): boolean {
    return !this.#isFull() && this.#outstanding <= this.#inPlaces() * goOnBelowPerPlace;
  }

  #inPlaces(): number {
    return this.#options.places() * this.#options.batchSize;
  }

  #room(): Promise<void> {
    return new Promise((resolve) => {
      this.#goOn = resolve;
      if (this.#stopped || this.#hasRoom()) this.#wake();
    });
  }

  #wake(): void {
    const goOn = this.#goOn;
    this.#goOn = undefined;
    goOn?.();
  }

  /**
   * The next piece. A source that pauses may be waiting for the very items that stand in a half-full batch (a bounded
   * number of open shards, say), so the batch goes out when nothing has come for a turn of the event loop.
   */
  async #next(pieces: AsyncIterator<Iterable<T>>): Promise<IteratorResult<Iterable<T>>> {
    if (this.#batch.length === 0 || this.#options.endsBatch !== undefined) return pieces.next();
    this.#waiting = true;
    this.#watch();
    try {
      return await pieces.next();
    } finally {
      this.#waiting = false;
      this.#pieces++;
    }
  }

  /** One timer for however many pieces: one for each would hold a batch job to the pace of timers, a row a millisecond. */
  #watch(): void {
    if (this.#watching) return;
    this.#watching = true;
    const before = this.#pieces;
    void this.#options.clock.sleep(0).then(() => {
      this.#watching = false;
      if (!this.#waiting) return;
      if (this.#pieces === before) this.#flush();
      else this.#watch();
    });
  }
}
