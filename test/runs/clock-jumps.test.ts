import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { Engine } from '../../src/duckdb/engine.ts';
import { answering, jobOf, runHere } from '../crash/in-process.ts';
import { partsOf } from '../e2e/folder.ts';
import { temporaryFolder } from '../temporary.ts';

const day = 86_400_000;

test('a wall clock that jumps by days, in a run and between runs: no answer is lost or asked for twice, nothing times out', async () => {
  const engine = await Engine.open();
  onTestFinished(() => engine.close());
  const jobIn = (folder: string, limits: string) => {
    const lines = Array.from({ length: 40 }, (_, id) => `${JSON.stringify({ id, text: `row ${id}` })}\n`);
    writeFileSync(join(folder, 'rows.jsonl'), lines.join(''));
    return jobOf(`task: text-classification
model: acme/sentiment
source: ${join(folder, 'rows.jsonl')}
inputs: {text: text}
backend: {type: api, url: "http://127.0.0.1:9"}
limits: {concurrency: 2, timeout_s: 60, max_runtime_s: 600${limits}}
output: {path: ${join(folder, 'out')}, format: jsonl, keep: [id], rows_per_part: 30}
`);
  };
  const quiet = temporaryFolder();
  const quietJob = jobIn(quiet, '');
  await runHere(quietJob, engine, answering(quietJob));

  const folder = temporaryFolder();
  const asked: string[] = [];
  const real = Date.now();
  vi.useFakeTimers({ toFake: ['Date'] });
  onTestFinished(() => void vi.useRealTimers());
  // The second run begins a month before the first one.
  for (const [limits, begin, exit] of [
    [', max_requests: 17', 0, 75],
    ['', -30 * day, 0],
  ] as const) {
    const job = jobIn(folder, limits);
    const backend = answering(job);
    vi.setSystemTime(real + begin);
    let calls = 0;
    const { outcome } = await runHere(job, engine, {
      ...backend,
      call: async (questions, how) => {
        vi.setSystemTime(real + begin + (calls++ % 2 === 0 ? 3 : -3) * day);
        // Groups of answers are synced every 50 ms.
        if (calls % 5 === 0) await new Promise((resolve) => setTimeout(resolve, 60));
        return backend.call(questions, how);
      },
    });
    expect(outcome.exit).toBe(exit);
    asked.push(...backend.asked);
    if (exit === 75) {
      const journal = readFileSync(join(folder, 'out/_sluice/journal/00000.journal'));
      expect(journal.length).toBeGreaterThan(1000);
    }
  }
  expect(asked.sort()).toEqual(Array.from({ length: 40 }, (_, id) => `row ${id}`).sort());
  expect(partsOf(folder)).toEqual(partsOf(quiet));
});
