import { readFileSync, readlinkSync } from 'node:fs';
import { basename } from 'node:path';

/**
 * Whether this program was started with nohup, and a HUP is to be ignored. Node undoes what nohup has set before a program
 * begins, and dies of a HUP. Two traces are left: what a shell says that it has started, and a standard input that can
 * only be written to, which GNU's nohup puts in the place of a terminal.
 */
export function isUnderNohup(env: NodeJS.ProcessEnv, processFolder = '/proc/self'): boolean {
  return basename(env._ ?? '') === 'nohup' || hasNohupInput(processFolder);
}

const ACCESS_MODE = 0o3;
const WRITE_ONLY = 0o1;

function hasNohupInput(processFolder: string): boolean {
  let facts: string;
  try {
    if (readlinkSync(`${processFolder}/fd/0`) !== '/dev/null') return false;
    facts = readFileSync(`${processFolder}/fdinfo/0`, 'utf8');
  } catch {
    // Linux alone tells it.
    return false;
  }
  const flags = Number.parseInt(/^flags:\s*([0-7]+)$/m.exec(facts)?.[1] ?? '0', 8);
  return (flags & ACCESS_MODE) === WRITE_ONLY;
}
