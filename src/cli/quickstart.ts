import { join } from 'node:path';
import { Engine } from '../duckdb/engine.ts';
import { quoteLiteral } from '../duckdb/quote.ts';
import { startEmulator } from '../emulator/emulator.ts';
import { spreadFaults } from '../emulator/faults.ts';
import { Exit } from '../errors.ts';
import { packageFolder } from '../package-folder.ts';
import { runJob } from './run.ts';
import { table } from './table.ts';

const packaged = (path: string) => join(packageFolder, path);

/**
 * `sluice quickstart`: the shipped job over shipped sentences against the emulator, which is loading at first and then
 * fails now and then. No token, no network.
 */
export async function quickstart(): Promise<void> {
  const emulator = await startEmulator({ latencyMs: 30, loadingS: 2, faults: spreadFaults(0.05), slowS: 1 });
  process.stderr.write(
    `An emulated Inference API listens on ${emulator.url}. Its model takes 2 s to load, then 5 % of the requests fail.\n` +
      'Running jobs/quickstart.yaml over 3,000 sentences of Moby-Dick:\n\n',
  );
  let exit: number;
  try {
    exit = await runJob({
      job: packaged('jobs/quickstart.yaml'),
      set: [`backend.url=${emulator.url}`, `source=${packaged('fixtures/quickstart/moby-dick.parquet')}`],
      fresh: true,
      quiet: false,
    });
  } finally {
    await emulator.close();
  }
  process.exitCode = exit;
  if (exit === Exit.ok) await showResults('out/quickstart');
}

/** `sluice quickstart --local`: the same sentences with a model that is shipped, in worker processes of this machine. */
export async function localQuickstart(): Promise<void> {
  process.stderr.write(
    'Running jobs/local-sentiment.yaml over 3,000 sentences of Moby-Dick on this machine:\n\n',
  );
  const exit = await runJob({
    job: packaged('jobs/local-sentiment.yaml'),
    set: [
      `backend.model_dir=${packaged('fixtures/models')}`,
      `source=${packaged('fixtures/quickstart/moby-dick.parquet')}`,
    ],
    fresh: true,
    quiet: false,
  });
  process.exitCode = exit;
  if (exit === Exit.ok) await showResults('out/local-sentiment');
}

async function showResults(output: string): Promise<void> {
  const engine = await Engine.open();
  try {
    const parts = `read_parquet(${quoteLiteral(`${output}/part-*.parquet`)})`;
    const counts = await engine.rows(
      `SELECT label, count(*)::INT AS sentences, round(avg(score), 3) AS mean_score FROM ${parts} GROUP BY label ORDER BY label`,
    );
    const rows = await engine.rows(
      `(SELECT label, round(score, 3) AS score, chapter, text FROM ${parts} WHERE label = 'POSITIVE' ORDER BY score DESC, chapter, sentence LIMIT 4)
       UNION ALL
       (SELECT label, round(score, 3), chapter, text FROM ${parts} WHERE label = 'NEGATIVE' ORDER BY score DESC, chapter, sentence LIMIT 4)`,
    );
    process.stdout.write(`\n${tableOf(counts)}\n\n${tableOf(rows)}\n\n`);
    process.stdout.write(
      `The Parquet lies in ${output}/. Look at it with any reader, or run \`sluice status ${output}\`.\n` +
        'Run `sluice run` on a job of your own next: README.md, "Your first job".\n',
    );
  } finally {
    await engine.close();
  }
}

function tableOf(rows: readonly Record<string, unknown>[]): string {
  const head = Object.keys(rows[0] ?? {});
  return table(
    head,
    rows.map((row) => head.map((name) => row[name])),
  );
}
