import { existsSync, readdirSync, readFileSync } from 'node:fs';
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

/** Jobs whose model has to be fetched from the hub first. */
const withoutModel = names.filter((name) => {
  const text = readFileSync(join(root, 'jobs', `${name}.yaml`), 'utf8');
  const model = /^model: (.+)$/m.exec(text)?.[1] ?? '';
  return /^(backend| {2}type): onnx$/m.test(text) && !existsSync(join(root, 'fixtures/models', model));
});

test.each(withoutModel)('jobs/%s.yaml has no problem, and says how to get its model', async (name) => {
  expect(await sluice(root, ['check', `jobs/${name}.yaml`])).toMatchObject({ code: 0 });
  const out = join(temporaryFolder(), 'out');
  const run = await sluice(root, ['run', `jobs/${name}.yaml`, '--set', `output.path=${out}`]);
  expect(run).toMatchObject({ code: 3, stderr: expect.stringContaining('sluice models pull') });
});

const runnable = names.filter((name) => !withoutModel.includes(name));

test.each(runnable)(
  'jobs/%s.yaml runs as it is against the emulator, and every row succeeds',
  async (name) => {
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
  },
);
