import { Exit, SluiceError } from '../errors.ts';
import { hash32 } from '../tasks/hash.ts';

/** What the emulator can do in place of answering. */
export const FAULTS = {
  '429': 'Too many requests, with Retry-After',
  '500': 'Internal Server Error',
  '502': 'Bad Gateway, as an HTML page',
  '503': 'Overloaded, without an estimated time',
  '504': 'Gateway Timeout',
  reset: 'The connection is reset in place of an answer',
  truncated: 'The answer breaks off in its middle',
  html: 'A sign-in page with status 200',
  error200: 'An error with status 200',
  slow: 'The right answer, late',
  hang: 'No answer at all',
  '400': 'The input is refused, as a poisoned one is',
} as const;

export type FaultKind = keyof typeof FAULTS;

/** Share of the attempts, 0 to 1, that each fault takes. */
export type FaultShares = Partial<Record<FaultKind, number>>;

/** What `--fail` spreads over: faults that a retry heals and that end by themselves. */
const SPREAD: readonly FaultKind[] = [
  '429',
  '500',
  '502',
  '503',
  '504',
  'reset',
  'truncated',
  'html',
  'error200',
  'slow',
];

/** An equal part of `share` for each fault that a retry heals. */
export function spreadFaults(share: number): FaultShares {
  return Object.fromEntries(SPREAD.map((kind) => [kind, share / SPREAD.length]));
}

/**
 * The fault that meets this attempt, or none. It hangs on nothing but the arguments, so that a run sees the same
 * faults however its requests are ordered, and a retry may succeed.
 * @param key the request's inputs; `attempt` counts from 1
 */
export function faultFor(
  shares: FaultShares,
  seed: number,
  key: string,
  attempt: number,
): FaultKind | undefined {
  let rest = hash32(`${attempt}:${key}`, seed) / 2 ** 32;
  for (const [kind, share] of Object.entries(shares)) {
    rest -= share;
    if (rest < 0) return kind as FaultKind;
  }
  return undefined;
}

/** `500=3%` as kind and share. @throws {SluiceError} EMULATE_FAULT */
export function parseFault(text: string): FaultShares {
  const [kind = '', share = ''] = text.split('=');
  if (!Object.hasOwn(FAULTS, kind)) {
    throw wrong(`unknown fault: ${kind}`, `Choose from ${Object.keys(FAULTS).join(', ')}.`);
  }
  return { [kind]: parseShare(share) };
}

/** `12%` or `0.12`. @throws {SluiceError} EMULATE_FAULT */
export function parseShare(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(%?)$/.exec(text.trim());
  const share = match === null ? Number.NaN : Number(match[1]) / (match[2] === '%' ? 100 : 1);
  if (!(share <= 1)) throw wrong(`no share of the requests: ${text}`, 'Write a percentage such as 12%.');
  return share;
}

function wrong(message: string, next: string): SluiceError {
  return new SluiceError('EMULATE_FAULT', message, { next, exit: Exit.usage });
}
