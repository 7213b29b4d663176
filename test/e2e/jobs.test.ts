import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { startEmulator } from '../../src/emulator/emulator.ts';
import { tasks } from '../../src/tasks/index.ts';
import { temporaryFolder } from '../temporary.ts';
import { sluice } from './sluice.ts';

const root = resolve(import.meta.dirname, '../..');
const names = readdirSync(join(root, 'jobs'))
  .filter((name) => name.endsWith('.yaml'))
  .map((name) => name.replace('.yaml', ''));

test('every task has a job to begin with', () => {
  expect(names).toEqual(expect.arrayContaining(tasks.map(({ name }) => name)));
});

test.each(names)('jobs/%s.yaml runs as it is against the emulator, and every row succeeds', async (name) => {
  const emulator = await startEmulator();
  onTestFinished(() => emulator.close());
  const out = join(temporaryFolder(), 'out');
  const args = ['run', `jobs/${name}.yaml`, '--set', `output.path=${out}`, '--quiet'];
  const { code, stderr } = await sluice(root, args, { SLUICE_URL: emulator.url });
  expect(code, stderr).toBe(0);
  const { ledger } = JSON.parse(readFileSync(join(out, '_sluice/report.json'), 'utf8'));
  expect(ledger).toMatchObject({ failed: 0, pending: 0 });
  expect(ledger.succeeded).toBeGreaterThan(0);
  expect(ledger.succeeded).toBe(ledger.read - ledger.filtered);
  expect(readdirSync(out)).toContain('_SUCCESS');
});
