import { readFile } from 'node:fs/promises';
import { messageOf } from '../errors.ts';
import type { DeadLetter } from './failure.ts';
import { damaged } from './state-file.ts';

/**
 * The dead letters of one shard; none where there is no such file.
 * @throws {SluiceError} STATE_DAMAGED where a line is none
 */
export async function readDeadLetters(path: string): Promise<DeadLetter[]> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  return text.split('\n').flatMap((line, i) => (line === '' ? [] : [parseLetter(path, line, i + 1)]));
}

/** Dead letters as their file holds them: one line a failed row. */
export function deadLetterLines(letters: readonly DeadLetter[]): string {
  return letters.map((letter) => `${JSON.stringify(letter)}\n`).join('');
}

function parseLetter(path: string, line: string, number: number): DeadLetter {
  try {
    return JSON.parse(line) as DeadLetter;
  } catch (error) {
    throw damaged(`${path}: line ${number}`, messageOf(error), error);
  }
}
