import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from 'undici';
import { isConnectionLoss, isOrderlyClose } from './classify-transport.ts';
import type { OneSocket, UnderWay } from './sockets.ts';

/**
 * One request and its answer, read to the end. It is what undici takes for the options of a request, and also the handler
 * that undici calls: one object a request, and no stream that somebody could forget to drain.
 */
export class Exchange implements Dispatcher.DispatchHandler, UnderWay {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly headers: string[];
  readonly body: string | Uint8Array | null;
  readonly signal: AbortSignal | undefined;

  /** 0 until a response begins. */
  status = 0;
  responseHeaders: IncomingHttpHeaders = {};
  /** Why there is no whole answer; undefined where there is one. */
  failure: Error | 'timeout' | 'aborted' | undefined;

  #chunks: Buffer[] = [];
  #socket: OneSocket | undefined;
  /** Cleared when called: an exchange ends once. */
  #resolve: ((ended: this) => void) | undefined;
  #onIdleSocket = false;
  #onUsedSocket = false;
  #sentAgain = false;

  /** @param body null for a GET */
  constructor(path: string, headers: string[], body: string | Uint8Array | null, signal?: AbortSignal) {
    this.method = body === null ? 'GET' : 'POST';
    this.path = path;
    this.headers = headers;
    this.body = body;
    this.signal = signal;
  }

  /** Resolves with itself when it has ended, in whatever way; never rejects. */
  sendOver(socket: OneSocket, timeoutMs: number): Promise<this> {
    return new Promise((resolve) => {
      this.#resolve = resolve;
      this.#socket = socket;
      socket.began(this, timeoutMs);
      socket.dispatch(this, this);
    });
  }

  /** Ends it now. Its socket is destroyed with it: an answer that is still to come has no reader any more. */
  cancel(why: 'timeout' | 'aborted'): void {
    if (this.#resolve === undefined) return;
    this.#end(why);
    this.#socket?.destroy(null, () => undefined);
  }

  /** The body of the response, whole where there is no failure. */
  answer(): Buffer {
    return this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks);
  }

  onRequestStart(): void {
    this.#onIdleSocket = this.#socket!.isIdle();
    this.#onUsedSocket = this.#socket!.isUsed();
  }

  onResponseStart(_: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    this.status = status;
    this.responseHeaders = headers;
  }

  onResponseData(_: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#chunks.push(chunk);
  }

  onResponseEnd(): void {
    this.#socket!.answered();
    this.#end(undefined);
  }

  /**
   * A server may close a connection in the moment in which the next request is written to it: after an idle time, or
   * because it has answered as many requests over it as it wants to. The request is then sent once more, uncounted. A
   * busy connection that is reset, and a fresh one however it is lost, are left to the scheduler, which slows down.
   */
  onResponseError(_: Dispatcher.DispatchController, error: Error): void {
    if (this.#resolve === undefined) return;
    if (!this.#sentAgain && this.status === 0 && this.#wasLeft(error)) {
      this.#sentAgain = true;
      this.#socket!.dispatch(this, this);
    } else {
      this.#end(error);
    }
  }

  #wasLeft(error: Error): boolean {
    return (this.#onIdleSocket && isConnectionLoss(error)) || (this.#onUsedSocket && isOrderlyClose(error));
  }

  #end(failure: typeof this.failure): void {
    this.#socket!.ended();
    this.failure = failure;
    this.#resolve?.(this);
    this.#resolve = undefined;
  }
}
