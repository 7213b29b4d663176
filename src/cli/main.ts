#!/usr/bin/env node
import yargs, { type CommandModule } from 'yargs';
import { hideBin } from 'yargs/helpers';
import { Exit, messageOf, SluiceError } from '../errors.ts';
import { commands } from './commands.ts';
import { engineMissing } from './engine-missing.ts';
import { fail } from './fail.ts';
import { isUnderNohup } from './nohup.ts';
import { watchOutput } from './output.ts';
import { refuseUnknownCommand, usageError } from './usage.ts';
import { version } from '../version.ts';

/**
 * The command line. Every command's handler is loaded when it is called, so that `--help` does not wait for engines.
 */
async function main(given: readonly string[]): Promise<void> {
  // `help run` is what people type.
  const args = given[0] === 'help' ? [...given.slice(1), '--help'] : [...given];
  refuseUnknownCommand(args);
  let handling = false;
  const parser = yargs(args)
    .scriptName('sluice')
    .usage('$0 <command>\n\nRuns a machine-learning task over every row of a dataset, from one YAML file.')
    .command(
      commands.map(
        (command): CommandModule => ({
          ...command,
          handler: async (parsed) => {
            handling = true;
            try {
              await command.handler(parsed);
            } catch (error) {
              const missing = engineMissing(error);
              if (missing === undefined) throw error;
              fail(missing);
              // Node reports the module that could not be loaded once more, as an exception that nobody caught.
              process.exit();
            }
          },
        }),
      ),
    )
    .demandCommand(1, 'which command?')
    .strict()
    .version(version)
    .alias({ h: 'help' })
    .wrap(Math.min(110, process.stdout.columns ?? 100))
    .epilogue(
      'Exit codes: 0 done, 2 wrong job file or command line, 3 refused for good, 4 too many failed rows,\n75 work left for a later run, 130/143 interrupted, 1 a bug.',
    )
    .exitProcess(false)
    .fail((message, error) => {
      throw error ?? new Error(message);
    });
  if (args.length === 0) {
    process.stderr.write(`${await parser.getHelp()}\n`);
    process.exitCode = Exit.usage;
    return;
  }
  try {
    await parser.parseAsync();
  } catch (error) {
    // What a command throws is its own; what is thrown before it began is about the command line.
    if (handling || error instanceof SluiceError) throw error;
    throw await usageError(messageOf(error), args);
  }
}

watchOutput();
if (isUnderNohup(process.env)) process.on('SIGHUP', () => undefined);
main(hideBin(process.argv)).catch(fail);
