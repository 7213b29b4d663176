import type { CallFailure } from '../backend.ts';

/** Why there is no connection: the name is unknown, nobody listens, or there is no way there. */
const UNREACHABLE = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EHOSTDOWN',
]);

const TIMEOUTS = new Set([
  'ETIMEDOUT',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
]);

/** OpenSSL's verification results as Node names them, beside the ERR_TLS_… and ERR_SSL_… families. */
const CERTIFICATE =
  /^(?:ERR_TLS_|ERR_SSL_|CERT_|DEPTH_ZERO_SELF_SIGNED_CERT$|SELF_SIGNED_CERT_IN_CHAIN$|UNABLE_TO_|HOSTNAME_MISMATCH$)/;

/** OpenSSL read something that is no TLS record. */
const NO_TLS = /^(?:ERR_SSL_WRONG_VERSION_NUMBER|ERR_SSL_PACKET_LENGTH_TOO_LONG|ERR_SSL_HTTP_REQUEST)$/;

/** What an error of the connection means. `began`: a response had begun to arrive. */
export function classifyTransport(error: Error, began: boolean): CallFailure {
  const code = codeOf(error);
  const message = wordsOf(error, code);
  if (NO_TLS.test(code)) {
    return {
      class: 'fatal',
      kind: 'refused',
      message: 'no secure connection: what answers there does not speak TLS',
      next: 'Write http:// in backend.url if the server is meant to be asked without TLS, or name its TLS port.',
    };
  }
  if (CERTIFICATE.test(code)) {
    return {
      class: 'fatal',
      kind: 'refused',
      message: `no secure connection: ${message}`,
      next: 'Check backend.url; for a private certificate authority set NODE_EXTRA_CA_CERTS to its certificate.',
    };
  }
  if (UNREACHABLE.has(code)) {
    return {
      class: 'overloaded',
      kind: 'refused',
      message: `not reachable: ${message}`,
      next: 'Check backend.url, and whether the server is up',
    };
  }
  if (TIMEOUTS.has(code)) return { class: 'transient', kind: 'timeout', message };
  if (code === 'UND_ERR_RES_EXCEEDED_MAX_SIZE') {
    return { class: 'rejected', kind: 'too_large', message: 'the answer is larger than sluice takes' };
  }
  if (began || code === 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH' || error.name === 'HTTPParserError') {
    return { class: 'transient', kind: 'body', message: `the answer broke off: ${message}` };
  }
  return { class: 'transient', kind: 'reset', message: `connection lost: ${message}` };
}

/** Whether a connection, once there, was lost without a word. */
export function isConnectionLoss(error: Error): boolean {
  return ['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET'].includes(codeOf(error));
}

/** Whether the other side closed the connection in order, which a server that breaks down does not do. */
export function isOrderlyClose(error: Error): boolean {
  return codeOf(error) === 'UND_ERR_SOCKET' && error.message === 'other side closed';
}

/** Trying several addresses of a name gives an AggregateError, whose own message is empty. */
function codeOf(error: Error): string {
  if ('code' in error && typeof error.code === 'string') return error.code;
  const [first] = error instanceof AggregateError ? error.errors : [];
  return first instanceof Error ? codeOf(first) : '';
}

function wordsOf(error: Error, code: string): string {
  if (error.message !== '') return error.message;
  const inner = error instanceof AggregateError ? error.errors.map(String).join('; ') : '';
  return inner || code || error.name;
}
