import yargs, { type Argv, type CommandModule } from 'yargs';
import { Exit, SluiceError } from '../errors.ts';
import { nearest } from '../nearest.ts';
import { commands } from './commands.ts';

/** @throws {SluiceError} USAGE, exit 2, with the nearest command */
export function refuseUnknownCommand(args: readonly string[]): void {
  const [name] = args;
  if (name === undefined || name.startsWith('-') || findCommand(name) !== undefined) return;
  const near = nearest(
    name,
    commands.flatMap((command) => namesOf(command)),
  );
  throw wrong(
    `unknown command "${name}"`,
    near === undefined ? "'sluice --help' lists the commands" : `did you mean 'sluice ${near}'?`,
  );
}

/** yargs' complaint as one line that names what is wrong, and the next step. */
export async function usageError(message: string, args: readonly string[]): Promise<SluiceError> {
  const command = findCommand(args[0] ?? '');
  if (command === undefined) {
    const [first = ''] = args;
    return wrong(
      first.startsWith('-') ? `unknown option ${first.split('=')[0]}` : message,
      first.startsWith('-')
        ? "options stand after the command: 'sluice --help' lists both"
        : "try 'sluice --help'",
    );
  }
  const name = namesOf(command)[0]!;
  const help = `try 'sluice ${name} --help'`;
  const [, unknown] = /^Unknown arguments?: ([^,]+)/.exec(message) ?? [];
  if (unknown !== undefined) {
    if (!isOption(unknown, args)) return wrong(`${name}: "${unknown}" is one argument too many`, help);
    const near = nearest(unknown, await optionsOf(command));
    return wrong(
      `${name} has no option ${dashed(unknown)}`,
      near === undefined ? help : `did you mean ${dashed(near)}?`,
    );
  }
  if (message.startsWith('Not enough non-option arguments'))
    return wrong(`${name}: an argument is missing`, `usage: sluice ${usageOf(command)}`);
  const [, option] = /^Not enough arguments following: (.+)$/.exec(message) ?? [];
  if (option !== undefined) return wrong(`${name}: ${dashed(option)} needs a value`, help);
  const [, missing] = /^Missing required arguments?: ([^,]+)/.exec(message) ?? [];
  if (missing !== undefined) return wrong(`${name}: ${dashed(missing)} is missing`, help);
  const [, choice, given, choices] = /Argument: (.+), Given: (.*), Choices: (.+)/.exec(message) ?? [];
  if (choice !== undefined) {
    const named = isOption(choice, args) ? dashed(choice) : choice;
    return wrong(`${name}: ${named}: ${given} is none of ${choices}`, help);
  }
  return wrong(`${name}: ${message}`, help);
}

function wrong(message: string, next: string): SluiceError {
  return new SluiceError('USAGE', message, { next, exit: Exit.usage });
}

function findCommand(name: string): CommandModule | undefined {
  return commands.find((command) => namesOf(command).includes(name));
}

/** Name and aliases: `['check <job..>', 'lint <job..>']` is check, lint. */
function namesOf({ command = [] }: CommandModule): string[] {
  return [command].flat().map((text) => text.split(' ')[0]!);
}

function usageOf({ command = [] }: CommandModule): string {
  return [command].flat()[0]!;
}

function isOption(name: string, args: readonly string[]): boolean {
  return args.some((arg) => arg.startsWith('-') && arg.replace(/^-+(no-)?/, '').split('=')[0] === name);
}

function dashed(name: string): string {
  return name.length === 1 ? `-${name}` : `--${name}`;
}

/** The options of a command, as its help names them. */
async function optionsOf({ builder }: CommandModule): Promise<string[]> {
  const argv: Argv = typeof builder === 'function' ? await builder(yargs([])) : yargs([]);
  return [...(await argv.getHelp()).matchAll(/^ +(?:-\w, )?--([\w-]+)/gm)].map((match) => match[1]!);
}
