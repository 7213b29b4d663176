import { TimeUnit } from 'apache-arrow';

/** Units in a second, and the digits that they take behind the point. */
const UNITS = {
  [TimeUnit.SECOND]: { perSecond: 1n, digits: 0, sign: 's' },
  [TimeUnit.MILLISECOND]: { perSecond: 1000n, digits: 3, sign: 'ms' },
  [TimeUnit.MICROSECOND]: { perSecond: 1_000_000n, digits: 6, sign: 'us' },
  [TimeUnit.NANOSECOND]: { perSecond: 1_000_000_000n, digits: 9, sign: 'ns' },
} as const;

/** Beyond these days a JavaScript Date ends. */
const MAX_DATE_DAYS = 100_000_000;

/** `2026-11-24` for days since 1970-01-01. What no calendar of JavaScript reaches is given as days: `day 2147483647`. */
export function dateText(days: number): string {
  if (Math.abs(days) > MAX_DATE_DAYS) return `day ${days}`;
  return new Date(days * 86_400_000).toISOString().slice(0, -'T00:00:00.000Z'.length);
}

/** `09:30:00.250` for a count since midnight, as fine as the unit. */
export function timeText(count: bigint, unit: TimeUnit): string {
  const { perSecond, digits } = UNITS[unit];
  const seconds = count / perSecond;
  const clock = [seconds / 3600n, (seconds / 60n) % 60n, seconds % 60n];
  const text = clock.map((part) => String(part).padStart(2, '0')).join(':');
  return digits === 0 ? text : `${text}.${String(count % perSecond).padStart(digits, '0')}`;
}

/** `2026-11-24T09:30:00.250` for a count since 1970, as fine as the unit; with `Z` where it is an instant. */
export function timestampText(count: bigint, unit: TimeUnit, isInstant: boolean): string {
  const perDay = UNITS[unit].perSecond * 86_400n;
  const inDay = ((count % perDay) + perDay) % perDay;
  const days = Number((count - inDay) / perDay);
  return `${dateText(days)}T${timeText(inDay, unit)}${isInstant ? 'Z' : ''}`;
}

/** `1500ms`: a count and its unit. */
export function durationText(count: bigint, unit: TimeUnit): string {
  return `${count}${UNITS[unit].sign}`;
}
