import { pino, type Logger } from 'pino';
import pretty from 'pino-pretty';

export type LogFormat = 'pretty' | 'json';

/**
 * Logs go to stderr: readable ones on a terminal, one JSON object a line anywhere else.
 *
 * Written synchronously. A run that is killed or that leaves by a second Ctrl-C must not take its last words with it,
 * and there are few of them: normal operation logs a line a shard.
 */
export function createLog(format: LogFormat, quiet: boolean): Logger {
  const level = quiet ? 'error' : 'info';
  if (format === 'json')
    return pino(
      { level, base: null, timestamp: pino.stdTimeFunctions.isoTime },
      pino.destination({ dest: 2, sync: true }),
    );
  return pino(
    { level, base: null },
    pretty({
      destination: 2,
      sync: true,
      colorize: process.stderr.isTTY,
      translateTime: 'SYS:HH:MM:ss',
      ignore: 'event',
      singleLine: true,
    }),
  );
}

export function logFormat(asked: LogFormat | undefined): LogFormat {
  return asked ?? (process.stderr.isTTY ? 'pretty' : 'json');
}
