import type { IncomingHttpHeaders } from 'node:http';

/**
 * Milliseconds, counted from the response, before which the server asked not to be called again; undefined where it
 * did not say. Read from `Retry-After` (RFC 9110: seconds or a date), from the RateLimit fields of the IETF drafts
 * (`ratelimit: "policy";r=0;t=30` and the older `ratelimit-remaining`, `ratelimit-reset`), and from the
 * `x-ratelimit-*` fields of OpenAI and others. A limit counts only where nothing remains of it.
 *
 * @param now Unix time in milliseconds, for servers that do not send `Date`
 */
export function retryAfterMs(headers: IncomingHttpHeaders, now: number): number | undefined {
  // The server's dates are compared with the server's clock: ours may be wrong by more than the wait.
  const date = Date.parse(one(headers.date) ?? '');
  const serverNow = Number.isNaN(date) ? now : date;
  const asked = one(headers['retry-after']);
  return (
    (asked === undefined ? undefined : secondsOrDate(asked, serverNow)) ??
    rateLimitField(one(headers.ratelimit)) ??
    rateLimitPairs(headers, serverNow)
  );
}

function secondsOrDate(value: string, now: number): number | undefined {
  const text = value.trim();
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) * 1000;
  // Date.parse takes far more than dates, "-5" for one.
  const date = /[a-z]{3}/i.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

/** `"api";r=0;t=55, "resolvers";r=3;t=10`: the longest wait among the exhausted policies. */
function rateLimitField(field: string | undefined): number | undefined {
  const waits = (field ?? '').split(',').flatMap((policy) => {
    const remaining = /;\s*r=(\d+)/.exec(policy)?.[1];
    const seconds = /;\s*t=(\d+)/.exec(policy)?.[1];
    return remaining !== undefined && Number(remaining) === 0 && seconds !== undefined
      ? [Number(seconds) * 1000]
      : [];
  });
  return waits.length === 0 ? undefined : Math.max(...waits);
}

const RATE_LIMITS = ['ratelimit', 'x-ratelimit'].flatMap((prefix) =>
  ['', '-requests', '-tokens'].map(
    (suffix) => [`${prefix}-remaining${suffix}`, `${prefix}-reset${suffix}`] as const,
  ),
);

function rateLimitPairs(headers: IncomingHttpHeaders, now: number): number | undefined {
  const waits = RATE_LIMITS.flatMap(([remaining, reset]) => {
    if (Number(one(headers[remaining]) ?? Number.NaN) !== 0) return [];
    return resetMs(one(headers[reset]) ?? '', now) ?? [];
  });
  return waits.length === 0 ? undefined : Math.max(...waits);
}

/** Above this a number of seconds is a Unix time: 2001 as a date, 31 years as a wait. */
const UNIX_SECONDS = 1e9;

/** Seconds, Unix seconds, or durations such as `1s`, `6m0s`, `20ms`. */
function resetMs(value: string, now: number): number | undefined {
  const text = value.trim();
  if (/^\d+(\.\d+)?$/.test(text)) {
    const seconds = Number(text);
    return seconds < UNIX_SECONDS ? seconds * 1000 : Math.max(0, seconds * 1000 - now);
  }
  if (!/^(?:\d+(?:\.\d+)?(?:ms|[smhd]))+$/.test(text)) return undefined;
  const units: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
  return [...text.matchAll(/([\d.]+)(ms|[smhd])/g)].reduce(
    (sum, [, n, unit]) => sum + Number(n) * units[unit!]!,
    0,
  );
}

function one(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}
