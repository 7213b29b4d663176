/** Names of headers whose values are credentials. */
const SECRET_HEADER = /auth|token|key|secret|cookie|password/i;

export function isSecretHeader(name: string): boolean {
  return SECRET_HEADER.test(name);
}

/** Blots the job's credentials out of whatever a server sends back; some echo the request. */
export class Secrets {
  readonly #values: readonly string[];
  readonly #bytes: readonly Buffer[];

  constructor(token: string | undefined, headers: Readonly<Record<string, string>>) {
    const values = Object.entries(headers).flatMap(([name, value]) => (isSecretHeader(name) ? [value] : []));
    if (token !== undefined) values.push(token);
    // The longest first: one may be the beginning of another.
    this.#values = values.filter((value) => value !== '').sort((a, b) => b.length - a.length);
    this.#bytes = this.#values.map((value) => Buffer.from(value));
  }

  /** The same buffer where nothing has to go. */
  blotBytes(body: Buffer): Buffer {
    return this.#bytes.some((bytes) => body.includes(bytes)) ? Buffer.from(this.blot(body.toString())) : body;
  }

  blot(text: string): string {
    return this.#values.reduce((rest, value) => rest.replaceAll(value, '***'), text);
  }
}
