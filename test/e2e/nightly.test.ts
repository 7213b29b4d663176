import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../temporary.ts';
import { withEmulator } from './emulated.ts';
import { partsOf } from './folder.ts';
import { sluice } from './sluice.ts';

test('the same line every night: only new work is done, vanished files are kept until --prune', async () => {
  await withEmulator({}, async ({ url, stats }) => {
    const folder = temporaryFolder();
    const day = (name: string, rows: number) => {
      mkdirSync(join(folder, `lake/dt=${name}`), { recursive: true });
      const lines = Array.from(
        { length: rows },
        (_, id) => `${JSON.stringify({ id, text: `${name} ${id}` })}\n`,
      );
      writeFileSync(join(folder, `lake/dt=${name}/a.jsonl`), lines.join(''));
    };
    writeFileSync(
      join(folder, 'job.yaml'),
      `task: text-classification
model: acme/sentiment
source: lake
inputs: {text: text}
backend: {type: api, url: "${url}"}
output: {path: out, format: jsonl, keep: [id, dt], rows_per_part: 20}
`,
    );
    let asked = 0;
    const night = async (...args: string[]) => {
      const result = await sluice(folder, ['run', 'job.yaml', '--log-format', 'json', ...args]);
      const requests = stats().requests - asked;
      asked += requests;
      const { ledger } = JSON.parse(readFileSync(join(folder, 'out/_sluice/report.json'), 'utf8'));
      const complete = readdirSync(join(folder, 'out')).includes('_SUCCESS');
      return { ...result, requests, ledger, complete };
    };
    day('01', 30);
    day('02', 10);
    expect(await night()).toMatchObject({ code: 0, requests: 40, complete: true });
    const first = partsOf(folder);
    expect(await night()).toMatchObject({ code: 0, requests: 0, complete: true, ledger: { read: 40 } });
    expect(partsOf(folder)).toEqual(first);

    rmSync(join(folder, 'lake/dt=01'), { recursive: true });
    day('03', 5);
    const third = await night();
    expect(third).toMatchObject({ code: 0, requests: 5, complete: true, ledger: { read: 45, pending: 0 } });
    expect(third.stderr).toMatch(/dt=01\/a\.jsonl is gone.*kept.*--prune/);
    expect(partsOf(folder)).toMatchObject(first);

    const fourth = await night('--prune');
    expect(fourth).toMatchObject({ code: 0, requests: 0, complete: true, ledger: { read: 15, pending: 0 } });
    expect(Object.keys(partsOf(folder))).toEqual(['dt=02/part-00002.jsonl', 'dt=03/part-00003.jsonl']);
    const fifth = await night();
    expect(fifth).toMatchObject({ code: 0, requests: 0 });
    expect(fifth.stderr).not.toMatch(/is gone/);

    day('01', 30);
    expect(await night()).toMatchObject({ code: 0, requests: 30, complete: true, ledger: { read: 45 } });
  });
});
