import { Engine } from '../duckdb/engine.ts';
import { Exit, type ExitCode, SluiceError } from '../errors.ts';
import { prepare } from '../runs/prepare.ts';
import { formatProblems } from '../spec/problem.ts';
import { readJobFile } from './load-job.ts';

/** `sluice check`: every problem of every file; 0 where there is none. */
export async function check(args: { job: string[]; set: string[] }): Promise<void> {
  let exit: ExitCode = Exit.ok;
  let engine: Engine | undefined;
  try {
    for (const file of args.job) {
      try {
        const { text, job, task, problems, locate } = await readJobFile(file, args.set);
        let found = problems;
        if (job !== undefined && task !== undefined) {
          engine ??= await Engine.open();
          const result = await prepare(job, task, engine, locate);
          found = result.problems;
          result.prepared?.dataset.close();
        }
        process.stderr.write(found.length === 0 ? `${file}: ok\n` : `${formatProblems(found, text)}\n`);
        if (found.length > 0) exit = Exit.usage;
      } catch (error) {
        // A file that is not there, or a source that cannot be read; the other files are checked all the same.
        if (!(error instanceof SluiceError)) throw error;
        process.stderr.write(
          `${file}: ${error.message}\n${error.next === undefined ? '' : `  ${error.next}\n`}`,
        );
        if (exit === Exit.ok) exit = error.exit;
      }
    }
  } finally {
    await engine?.close();
  }
  process.exitCode = exit;
}
