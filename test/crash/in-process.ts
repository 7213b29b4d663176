import { contracts } from '../../src/backends/api/contracts.ts';
import { localParameters } from '../../src/backends/onnx/parameters.ts';
import type { Backend } from '../../src/backends/backend.ts';
import type { Engine } from '../../src/duckdb/engine.ts';
import { claimOutput } from '../../src/runs/claim.ts';
import { endRun } from '../../src/runs/end.ts';
import { Layout } from '../../src/runs/layout.ts';
import { allowedFailures, type Ledger } from '../../src/runs/ledger.ts';
import { type Outcome, outcomeOf } from '../../src/runs/outcome.ts';
import { prepare } from '../../src/runs/prepare.ts';
import { reopenFailed, type RetrySelection } from '../../src/runs/retry.ts';
import { Run, type RunEnding } from '../../src/runs/run.ts';
import { openOutput, type Started, startRun } from '../../src/runs/start.ts';
import { systemClock } from '../../src/scheduler/clock.ts';
import type { Job } from '../../src/spec/job.ts';
import { readJob } from '../../src/spec/read-job.ts';
import { findTask, tasks } from '../../src/tasks/index.ts';

export function jobOf(text: string): Job {
  const { job, problems } = readJob(text, {
    file: 'job.yaml',
    env: {},
    set: [],
    catalogue: tasks,
    contracts,
    local: localParameters,
  });
  if (job === undefined) throw new Error(JSON.stringify(problems));
  return job;
}

/** Answers as the emulator would, without a network; texts with `[[poison]]` are refused, unless it is healed. */
export function answering(job: Job, { healed = false } = {}): Backend & { asked: string[] } {
  const task = findTask(job.task)!;
  const asked: string[] = [];
  return {
    asked,
    maxBatch: 1,
    ready: async () => undefined,
    async call([question]) {
      const text = String(question!.inputs.text);
      asked.push(text);
      if (!healed && text.includes('[[poison]]'))
        return {
          ok: false,
          failure: { class: 'rejected', kind: 'rejected', status: 400, message: '400 no' },
        };
      const answer = JSON.parse(JSON.stringify(task.emulate(question!.inputs, question!.parameters)));
      return { ok: true, answers: [answer], status: 200 };
    },
    preview: () => '',
    close: async () => undefined,
  };
}

export interface RunResult extends Started {
  ending: RunEnding;
  /** As the command line would end. */
  outcome: Outcome;
  ledger: Ledger;
}

/** What the command line may ask of a run beside the job. */
export interface RunHow {
  fresh?: boolean;
  prune?: boolean;
  /** `sluice retry`. */
  retry?: RetrySelection;
  /** For how long a silent owner elsewhere is watched. */
  watchMs?: number;
}

/** A whole run in this process: lock, plan, answers, parts. @throws what would end the command */
export async function runHere(
  job: Job,
  engine: Engine,
  backend: Backend,
  how: RunHow = {},
): Promise<RunResult> {
  const { retry, watchMs, ...start } = how;
  const { prepared, problems } = await prepare(job, findTask(job.task)!, engine, () => ({
    file: '',
    line: 1,
    column: 1,
  }));
  if (prepared === undefined) throw new Error(JSON.stringify(problems));
  const layout = new Layout(job.output.path);
  try {
    await openOutput(layout);
    const { lock, begun, mayReturn } = await claimOutput(
      layout,
      undefined,
      () => startRun(job, prepared.dataset, layout, start),
      watchMs,
    );
    try {
      const context = { prepared, ...begun, layout, engine, backend };
      if (retry !== undefined) await reopenFailed(context, retry);
      const run = new Run({
        ...context,
        clock: systemClock,
        random: Math.random,
        confirm: () => lock.confirm(),
        mayReturn,
        ...(retry === undefined ? {} : { retry }),
        onEvent: () => undefined,
      });
      lock.onLost = (error) => run.lose(error);
      const ending = await run.run();
      const { ledger } = run.stats();
      const own = outcomeOf(ending, ledger, allowedFailures(job, ledger.read));
      const { outcome } = await endRun(job, layout, undefined, own, () => lock.confirm());
      return { ...begun, ending, outcome, ledger };
    } finally {
      await lock.release();
    }
  } finally {
    prepared.dataset.close();
  }
}
