import { describe, expect, test } from 'vitest';
import { classifyResponse } from '../../../src/backends/api/classify.ts';
import { classifyTransport } from '../../../src/backends/api/classify-transport.ts';
import { hf } from '../../../src/backends/api/hf.ts';

describe('a response with status', () => {
  test.each([
    [301, '', 'fatal', 'not_found'],
    [302, '', 'fatal', 'not_found'],
    [400, '{"error":"bad input"}', 'rejected', 'rejected'],
    [401, '{"error":"Invalid credentials in Authorization header"}', 'fatal', 'auth'],
    [402, '', 'fatal', 'payment'],
    [403, '', 'fatal', 'auth'],
    [404, 'Not Found', 'fatal', 'not_found'],
    [405, '', 'fatal', 'not_found'],
    [408, '', 'transient', 'timeout'],
    [410, '', 'fatal', 'not_found'],
    [413, '', 'rejected', 'too_large'],
    [418, '', 'rejected', 'rejected'],
    [422, '', 'rejected', 'rejected'],
    [424, '', 'transient', 'server'],
    [429, '', 'throttled', 'rate_limit'],
    [500, '', 'transient', 'server'],
    [502, '<html><title>Bad Gateway</title>', 'transient', 'server'],
    [503, '{"error":"overloaded"}', 'overloaded', 'overloaded'],
    [503, '{"error":"Model x is currently loading","estimated_time":20.0}', 'loading', 'loading'],
    [503, '{"error":"Model x is currently loading"}', 'loading', 'loading'],
    [503, '', 'overloaded', 'overloaded'],
    [504, '', 'transient', 'server'],
    [524, '', 'transient', 'server'],
    [529, '', 'overloaded', 'overloaded'],
  ])('%i %s is %s (%s)', (status, body, failureClass, kind) => {
    expect(classifyResponse(status, {}, body, 0)).toMatchObject({ status, class: failureClass, kind });
  });

  test('of a failure keeps what the server said and asked for', () => {
    const headers = { 'retry-after': '3', 'x-request-id': 'r-1' };
    expect(classifyResponse(503, headers, '{"error":"currently loading","estimated_time":20}', 0)).toEqual({
      class: 'loading',
      kind: 'loading',
      status: 503,
      message: '503 currently loading',
      estimatedMs: 20_000,
      retryAfterMs: 3000,
      excerpt: '{"error":"currently loading","estimated_time":20}',
      requestId: 'r-1',
    });
  });

  test('of a redirect names the location', () => {
    expect(classifyResponse(307, { location: 'https://elsewhere.example/x' }, '', 0).message).toContain(
      'https://elsewhere.example/x',
    );
  });

  test.each([401, 402, 403, 404, 410])('%i says what to do', (status) => {
    expect(hf.classify(status, {}, '').next).toMatch(/\w{3}/);
  });

  test('410 of the host that was shut down says where to go', () => {
    const body = '{"error":"https://api-inference.huggingface.co is no longer supported."}';
    expect(hf.classify(410, {}, body).next).toContain('router');
  });
});

describe('an error of the connection', () => {
  const withCode = (code: string) => Object.assign(new Error(`failed: ${code}`), { code });

  test.each([
    ['ECONNREFUSED', false, 'overloaded', 'refused'],
    ['ENOTFOUND', false, 'overloaded', 'refused'],
    ['EAI_AGAIN', false, 'overloaded', 'refused'],
    ['UND_ERR_CONNECT_TIMEOUT', false, 'transient', 'timeout'],
    ['ECONNRESET', false, 'transient', 'reset'],
    ['UND_ERR_SOCKET', false, 'transient', 'reset'],
    ['ECONNRESET', true, 'transient', 'body'],
    ['UND_ERR_RES_CONTENT_LENGTH_MISMATCH', true, 'transient', 'body'],
    ['UND_ERR_RES_EXCEEDED_MAX_SIZE', true, 'rejected', 'too_large'],
    ['CERT_HAS_EXPIRED', false, 'fatal', 'refused'],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', false, 'fatal', 'refused'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', false, 'fatal', 'refused'],
  ])('%s (begun: %s) is %s (%s)', (code, began, failureClass, kind) => {
    expect(classifyTransport(withCode(code), began)).toMatchObject({
      class: failureClass,
      kind,
      message: expect.stringContaining(code === 'UND_ERR_RES_EXCEEDED_MAX_SIZE' ? 'larger' : code),
    });
  });

  test('of a port that does not speak TLS says so in place of OpenSSL’s own words', () => {
    expect(classifyTransport(withCode('ERR_SSL_WRONG_VERSION_NUMBER'), false)).toMatchObject({
      class: 'fatal',
      kind: 'refused',
      message: expect.stringContaining('does not speak TLS'),
      next: expect.stringContaining('http://'),
    });
  });

  test('of every address of a name is told by the first', () => {
    const error = new AggregateError([withCode('ECONNREFUSED'), withCode('ECONNREFUSED')], '');
    expect(classifyTransport(error, false)).toMatchObject({
      class: 'overloaded',
      message: expect.stringContaining('ECONNREFUSED'),
    });
  });
});
