import { expect, test } from 'vitest';
import { withEmulator } from '../e2e/emulated.ts';
import { sluice } from '../e2e/sluice.ts';
import { answeredRows, folderWith, outputOf, variants } from './harness.ts';

test('four processes that start at the same instant: one does the work, the others exit with 75 and name it', async () => {
  const folder = folderWith(variants[0]!, 60);
  const quiet = folderWith(variants[0]!, 60);
  await withEmulator({ latencyMs: 200 }, async ({ url, stats }) => {
    const runs = await Promise.all(
      Array.from({ length: 4 }, () => sluice(folder, ['run', 'job.yaml', '--quiet'], { API_URL: url })),
    );
    expect(runs.map(({ code }) => code).sort()).toEqual([0, 75, 75, 75]);
    for (const { code, stderr } of runs)
      if (code === 75) expect(stderr).toMatch(/process \d+ on .* has been running/);
    expect(stats().rowsAnswered).toBe(answeredRows(60));
    await sluice(quiet, ['run', 'job.yaml'], { API_URL: url });
    expect(outputOf(folder)).toEqual(outputOf(quiet));
  });
});
