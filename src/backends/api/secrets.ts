import { isSecret } from '../../spec/check-token.ts';

/** Names of headers and of parameters in URLs whose values are credentials. */
const SECRET_NAME = /auth|token|key|secret|cookie|password|signature/i;

export function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name);
}

/** A URL as it may be shown: values of parameters that are credentials are hidden. */
export function shownUrl(url: URL): string {
  const shown = new URL(url);
  for (const name of new Set(shown.searchParams.keys()))
    if (isSecretName(name)) shown.searchParams.set(name, '***');
  return shown.href;
}

/** Blots the job's credentials out of whatever a server sends back; some echo the request. */
export class Secrets {
  readonly #values: readonly string[];
  readonly #bytes: readonly Buffer[];

  constructor(token: string | undefined, headers: Readonly<Record<string, string>>, url: URL) {
    const named = [...Object.entries(headers), ...url.searchParams];
    const values = named.flatMap(([name, value]) => (isSecretName(name) ? [value] : []));
    if (token !== undefined) values.push(token);
    // Blotting out a word would change answers. The longest first: one may be the beginning of another.
    this.#values = values.filter(isSecret).sort((a, b) => b.length - a.length);
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
