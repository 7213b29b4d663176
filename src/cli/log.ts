import { pino, type Logger } from 'pino';
import { prettyFactory } from 'pino-pretty';
import { clearLine } from './progress.ts';

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
      process.stderr.isTTY ? overBar((line) => line) : pino.destination({ dest: 2, sync: true }),
    );
  const prettify = prettyFactory({
    // Asks NO_COLOR and TERM, too.
    colorize: process.stderr.isTTY && process.stderr.hasColors(),
    translateTime: 'SYS:HH:MM:ss',
    // The words say it all; the fields are for machines.
    hideObject: true,
  });
  return pino({ level, base: null }, overBar(prettify));
}

/** A line on a terminal takes the place of the live bar, which is drawn again below it. */
function overBar(text: (line: string) => string): { write(line: string): void } {
  const clear = process.stderr.isTTY ? clearLine : '';
  return { write: (line) => void process.stderr.write(`${clear}${text(line)}`) };
}

export function logFormat(asked: LogFormat | undefined): LogFormat {
  return asked ?? (process.stderr.isTTY ? 'pretty' : 'json');
}
