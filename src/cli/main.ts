#!/usr/bin/env node
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { Exit } from '../errors.ts';
import { commands } from './commands.ts';
import { fail } from './fail.ts';
import { version } from '../version.ts';

/**
 * The command line. Every command's handler is loaded when it is called, so that `--help` does not wait for engines.
 */
async function main(): Promise<void> {
  const parser = yargs(hideBin(process.argv))
    .scriptName('sluice')
    .usage('$0 <command>\n\nRuns a machine-learning task over every row of a dataset, from one YAML file.')
    .command([...commands])
    .demandCommand(1, 'which command?')
    .strict()
    .recommendCommands()
    .version(version)
    .alias({ h: 'help' })
    .wrap(Math.min(110, process.stdout.columns ?? 100))
    .epilogue(
      'Exit codes: 0 done, 2 wrong job file or command line, 3 refused for good, 4 too many failed rows,\n75 work left for a later run, 130/143 interrupted, 1 a bug.',
    )
    .exitProcess(false)
    .fail((message, error) => {
      if (error) throw error;
      process.stderr.write(`sluice: ${message}\n  try 'sluice --help', or 'sluice <command> --help'\n`);
      process.exitCode = Exit.usage;
      throw alreadySaid;
    });
  await parser.parseAsync();
}

/** Thrown to leave yargs after its complaint about the command line has been printed. */
const alreadySaid = Symbol('already said');

main().catch((error: unknown) => {
  if (error !== alreadySaid) fail(error);
});
