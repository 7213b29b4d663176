// What a shell is to a command in a terminal: `script -c 'node in-terminal.mjs RESULT COMMAND…'` runs the command with
// the terminal as its own, passes on the HUP that comes when the terminal is closed, and writes how it ended to RESULT.
import { spawn } from 'node:child_process';
import { renameSync, writeFileSync } from 'node:fs';

const [result, command, ...args] = process.argv.slice(2);
const child = spawn(command, args, { stdio: 'inherit' });
process.on('SIGHUP', () => child.kill('SIGHUP'));
child.on('exit', (code, signal) => {
  writeFileSync(`${result}.new`, JSON.stringify({ code, signal }));
  renameSync(`${result}.new`, result);
  // Node aborts where it finds its terminal closed as it exits.
  process.kill(process.pid, 'SIGKILL');
});
