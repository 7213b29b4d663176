import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { isUnderNohup } from '../../src/cli/nohup.ts';
import { temporaryFolder } from '../temporary.ts';

/** What Linux tells of a process whose standard input is a file that was opened so. */
function processWith(input: string, flags: string): string {
  const folder = temporaryFolder();
  for (const name of ['fd', 'fdinfo']) mkdirSync(join(folder, name));
  symlinkSync(input, join(folder, 'fd/0'));
  writeFileSync(join(folder, 'fdinfo/0'), `pos:\t0\nflags:\t${flags}\nmnt_id:\t6\n`);
  return folder;
}

describe('nohup is told', () => {
  test.each([
    ['by the shell that started it', { _: '/usr/bin/nohup' }, ['/dev/pts/0', '0100002'], true],
    ['by the input that it puts in the place of a terminal', {}, ['/dev/null', '0100001'], true],
    ['and not by a terminal', { _: '/usr/bin/sluice' }, ['/dev/pts/0', '0100002'], false],
    ['nor by an input that can be read, as cron gives it', {}, ['/dev/null', '0100000'], false],
    ['nor by a file that is written', {}, ['/tmp/nohup', '0100001'], false],
    ['where the system says nothing', {}, undefined, false],
  ])('%s', (_, env, input, expected) => {
    const folder = input === undefined ? '/nowhere' : processWith(...(input as [string, string]));
    expect(isUnderNohup(env, folder)).toBe(expected);
  });
});
