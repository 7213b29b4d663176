import { Exit, messageOf, SluiceError } from '../errors.ts';
import { version } from '../version.ts';

/** Says what went wrong and sets the exit code. Anything that is not a `SluiceError` is a bug and shows its stack. */
export function fail(error: unknown): void {
  if (error instanceof SluiceError) {
    process.stderr.write(`sluice: ${error.message}\n${error.next === undefined ? '' : `  ${error.next}\n`}`);
    process.exitCode = error.exit;
    return;
  }
  const stack = error instanceof Error && error.stack !== undefined ? error.stack : messageOf(error);
  process.stderr.write(
    `sluice: unexpected failure (version ${version}, Node ${process.version}): ${stack}\n` +
      '  this is a bug; what was answered is journaled. Please report it with these lines and _sluice/report.json\n',
  );
  process.exitCode = Exit.bug;
}
