/**
 * The one error type that users see, and the exit codes of the command line.
 *
 * A message reads `domain what: value`; `next` is the step that gets the user further and stands on a
 * line of its own. `code` is stable and may be relied on by scripts; the words may change.
 */

/** Exit codes of `sluice`. 130 and 143 are those of the signals INT and TERM; HUP ends a run as TERM does. */
export const Exit = {
  /** Every shard is committed and failures are within `errors.max_failed_rows`. */
  ok: 0,
  /** A bug or an unexpected failure. */
  bug: 1,
  /** The job file or the command line is wrong; nothing was sent. */
  usage: 2,
  /** Refused for good: credentials, a model that is not there, a source or an output that cannot be used. */
  refused: 3,
  /** More failed rows than `errors.max_failed_rows` allows; of `compare`: less agreement than wanted. */
  tooManyFailures: 4,
  /** Work is left that a later run can do. */
  later: 75,
  interrupted: 130,
  terminated: 143,
} as const;

export type ExitCode = (typeof Exit)[keyof typeof Exit];

export interface SluiceErrorOptions {
  /** What to do now; one sentence. */
  next?: string;
  exit?: ExitCode;
  cause?: unknown;
}

/** An expected failure, with words for a person and an exit code for a script. */
export class SluiceError extends Error {
  override readonly name = 'SluiceError';
  /** Stable, `UPPER_SNAKE_CASE`, prefixed by the room: `SOURCE_NOT_FOUND`. */
  readonly code: string;
  readonly next: string | undefined;
  readonly exit: ExitCode;

  constructor(code: string, message: string, options: SluiceErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.next = options.next;
    this.exit = options.exit ?? Exit.refused;
  }
}

/** The words of whatever was thrown; libraries throw strings too. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
