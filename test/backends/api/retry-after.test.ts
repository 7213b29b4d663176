import { describe, expect, test } from 'vitest';
import { retryAfterMs } from '../../../src/backends/api/retry-after.ts';

const now = Date.parse('Wed, 21 Oct 2026 07:28:00 GMT');

describe('retryAfterMs', () => {
  test.each([
    ['seconds', { 'retry-after': '30' }, 30_000],
    ['fractions of seconds', { 'retry-after': '1.5' }, 1500],
    ['no wait', { 'retry-after': '0' }, 0],
    ['a date', { 'retry-after': 'Wed, 21 Oct 2026 07:28:20 GMT' }, 20_000],
    [
      'a date by the clock of the server',
      { 'retry-after': 'Wed, 21 Oct 2026 09:00:20 GMT', date: 'Wed, 21 Oct 2026 09:00:00 GMT' },
      20_000,
    ],
    ['a date that is past', { 'retry-after': 'Wed, 21 Oct 2026 07:00:00 GMT' }, 0],
    ['nonsense', { 'retry-after': 'soon' }, undefined],
    ['a negative number', { 'retry-after': '-5' }, undefined],
    ['nothing', {}, undefined],
    ['an exhausted policy', { ratelimit: '"api";r=0;t=55' }, 55_000],
    ['a policy with something left', { ratelimit: '"api";r=3;t=55' }, undefined],
    ['the longest of the exhausted policies', { ratelimit: '"a";r=0;t=5, "b";r=0;t=9, "c";r=1;t=99' }, 9000],
    ['fields of the older draft', { 'ratelimit-remaining': '0', 'ratelimit-reset': '7' }, 7000],
    ['durations', { 'x-ratelimit-remaining-requests': '0', 'x-ratelimit-reset-requests': '6m0s' }, 360_000],
    ['short durations', { 'x-ratelimit-remaining-tokens': '0', 'x-ratelimit-reset-tokens': '20ms' }, 20],
    ['Unix time', { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(now / 1000 + 12) }, 12_000],
    ['a limit that is not exhausted', { 'x-ratelimit-remaining': '4', 'x-ratelimit-reset': '12' }, undefined],
    ['a reset without a remainder', { 'x-ratelimit-reset': '12' }, undefined],
    ['Retry-After before the rest', { 'retry-after': '2', ratelimit: '"api";r=0;t=55' }, 2000],
    ['the rest where Retry-After is nonsense', { 'retry-after': 'x', ratelimit: '"api";r=0;t=55' }, 55_000],
  ])('%s', (_, headers, wait) => {
    expect(retryAfterMs(headers, now)).toBe(wait);
  });
});
