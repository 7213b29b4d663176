import { Client } from 'undici';

/** Longer than servers and balancers take to say that they closed a connection. */
const IDLE_MS = 500;

/**
 * Keep-alive connections to one origin, one for each call in flight. The last one used is the next one taken, so that
 * after a busy time the others run into their idle timeout and close. undici's `Pool` opens up to two for each call
 * (a client counts as busy until the loop has turned once after its answer) and searches them in order.
 */
export class Sockets {
  readonly #origin: string;
  readonly #options: Client.Options;
  readonly #free: OneSocket[] = [];

  constructor(origin: string, options: Client.Options) {
    this.#origin = origin;
    this.#options = options;
  }

  take(): OneSocket {
    return this.#free.pop() ?? new OneSocket(this.#origin, this.#options);
  }

  /** A client reconnects by itself after a failure; only one that was destroyed is of no more use. */
  giveBack(socket: OneSocket): void {
    if (!socket.destroyed) this.#free.push(socket);
  }

  /** Closes those that are free. */
  async close(): Promise<void> {
    await Promise.all(this.#free.splice(0).map((socket) => socket.close()));
  }
}

/** A client of one connection that knows for how long it has been idle. */
export class OneSocket extends Client {
  /** When the last answer on the present connection ended; undefined before its first. */
  #idleSince: number | undefined;

  constructor(origin: string, options: Client.Options) {
    super(origin, options);
    this.on('disconnect', () => {
      this.#idleSince = undefined;
    });
  }

  answered(): void {
    this.#idleSince = performance.now();
  }

  /** Whether the present connection has answered before. */
  isUsed(): boolean {
    return this.#idleSince !== undefined;
  }

  isIdle(): boolean {
    return this.#idleSince !== undefined && performance.now() - this.#idleSince > IDLE_MS;
  }
}
