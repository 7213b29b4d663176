import { WriteStream } from 'node:tty';
import { afterEach, expect, test, vi } from 'vitest';
import { createLog } from '../../src/cli/log.ts';

const { isTTY } = process.stderr;
afterEach(() => {
  process.stderr.isTTY = isTTY;
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

/** What a warning looks like on a terminal. */
function onTerminal(env: Record<string, string>): string {
  for (const name of ['NO_COLOR', 'FORCE_COLOR', 'NODE_DISABLE_COLORS', 'CI']) vi.stubEnv(name, undefined);
  for (const [name, value] of Object.entries({ TERM: 'xterm-256color', ...env })) vi.stubEnv(name, value);
  process.stderr.isTTY = true;
  const depth = WriteStream.prototype.getColorDepth;
  process.stderr.hasColors = () => depth.call(process.stderr, process.env) > 1;
  const written: string[] = [];
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    written.push(String(text));
    return true;
  });
  createLog('pretty', false).warn('the server is slow');
  return written.join('');
}

/** Escape sequences that set a colour; the one that clears a line is none. */
const COLOR = new RegExp(`${String.fromCharCode(27)}\\[[\\d;]*m`);

test('log lines on a terminal have colour', () => {
  expect(onTerminal({})).toMatch(COLOR);
});

test.each([{ NO_COLOR: '1' }, { TERM: 'dumb' }])('with %o log lines have none', (env) => {
  const line = onTerminal(env);
  expect(line).toContain('WARN: the server is slow');
  expect(line).not.toMatch(COLOR);
});
