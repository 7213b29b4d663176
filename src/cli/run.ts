import type { Logger } from 'pino';
import type { Backend } from '../backends/backend.ts';
import { openBackend } from '../backends/index.ts';
import { Engine } from '../duckdb/engine.ts';
import { Exit, type ExitCode, SluiceError } from '../errors.ts';
import { type Claim, claimOutput } from '../runs/claim.ts';
import { endRun } from '../runs/end.ts';
import { Layout } from '../runs/layout.ts';
import { allowedFailures } from '../runs/ledger.ts';
import { outcomeOf } from '../runs/outcome.ts';
import { type Prepared, prepare } from '../runs/prepare.ts';
import { reportOf, writeReport } from '../runs/report.ts';
import { type RetrySelection, reopenFailed } from '../runs/retry.ts';
import { Run } from '../runs/run.ts';
import { isIn, readShare, type Share } from '../runs/share.ts';
import { openOutput, type Started, startRun } from '../runs/start.ts';
import { Windows } from '../runs/windows.ts';
import { systemClock } from '../scheduler/clock.ts';
import { version } from '../version.ts';
import { invalidJob, loadJob } from './load-job.ts';
import { createLog, type LogFormat, logFormat } from './log.ts';
import { Progress } from './progress.ts';
import { eventLogger, sayEnd, sayReopened, sayShareDone, sayTakenOver, sayUpdate } from './run-log.ts';
import { Signals } from './signals.ts';

export interface RunArguments {
  job: string;
  set: string[];
  limit?: number;
  fresh: boolean;
  prune?: boolean;
  quiet: boolean;
  logFormat?: LogFormat;
  /** What this process does of a job that several share. */
  share?: Share;
  /** `sluice retry`: failed rows that are asked again. */
  retry?: RetrySelection;
}

export async function run({ shard, ...args }: RunArguments & { shard?: string }): Promise<void> {
  const share = shard === undefined ? {} : { share: readShare(shard) };
  process.exitCode = await runJob({ ...args, ...share });
}

/** `sluice run`: first run, resume and no-op in one. @returns the exit code, one of `Exit` */
export async function runJob(args: RunArguments): Promise<ExitCode> {
  const { share, fresh, prune = false } = args;
  if (share !== undefined && fresh) throw freshShare();
  const set = args.limit === undefined ? args.set : [...args.set, `source.limit=${args.limit}`];
  const { job, task, text, locate } = await loadJob(args.job, set);
  const log = createLog(logFormat(args.logFormat), args.quiet);
  const layout = new Layout(job.output.path);
  const engine = await Engine.open();
  try {
    const { prepared, problems } = await prepare(job, task, engine, locate);
    if (prepared === undefined) throw invalidJob(problems, text);
    const notice = (message: string) => log.warn({ event: 'worker-lost' }, message);
    const backend = await openBackend(job, task, notice);
    await openOutput(layout);
    const claim = await claimOutput(layout, share, async ({ others, tookOver }) => {
      if (tookOver !== undefined) sayTakenOver(tookOver, log);
      const model = backend.local?.files;
      return startRun(job, prepared.dataset, layout, { fresh, prune, others, model });
    });
    try {
      return await work({ args, prepared, layout, engine, backend, claim, log });
    } catch (error) {
      // Whoever has taken over meanwhile has removed what was half done, and that is what failed then.
      await claim.lock.confirm();
      throw error;
    } finally {
      await backend.close();
      await claim.lock.release();
      prepared.dataset.close();
    }
  } finally {
    await engine.close();
  }
}

interface Work {
  args: RunArguments;
  prepared: Prepared;
  layout: Layout;
  engine: Engine;
  backend: Backend;
  claim: Claim<Started>;
  log: Logger;
}

/** From the plan to the last words, under the lock. */
async function work({ args, prepared, layout, engine, backend, claim, log }: Work): Promise<ExitCode> {
  const { share, retry } = args;
  const { job } = prepared;
  const { lock, begun, mayReturn } = claim;
  const started = new Date();
  const began = performance.now();
  const { records } = begun;
  const plan = { ...begun.plan, shards: begun.plan.shards.filter(({ id }) => isIn(share, id)) };
  sayUpdate(begun, args.prune === true, log);
  if (retry !== undefined) {
    sayReopened(await reopenFailed({ prepared, plan, records, layout, engine }, retry), retry, log);
  }
  // Nobody is asked anything only to find that all is done.
  if (plan.shards.some(({ id }) => !records.has(id))) await backend.ready();
  const run = new Run({
    prepared,
    plan,
    records,
    layout,
    engine,
    backend,
    ...(backend.local === undefined ? {} : { windows: new Windows(backend.local, begun.plan) }),
    clock: systemClock,
    random: Math.random,
    confirm: () => lock.confirm(),
    mayReturn,
    ...(retry === undefined ? {} : { retry }),
    onEvent: eventLogger(log),
  });
  const progress = args.quiet
    ? undefined
    : new Progress(() => run.stats(), log, process.stderr.isTTY === true);
  const interruptible = {
    stop: () => {
      progress?.stopping();
      run.stop();
    },
    cancel: () => run.cancel(),
    abandon: () => engine.close(),
  };
  lock.onLost = (error) => run.lose(error);
  const signals = new Signals(interruptible, log);
  progress?.start();
  const ending = await run.run();
  progress?.stop();
  signals.dispose();
  const stats = run.stats();
  const own = signals.apply(outcomeOf(ending, stats.ledger, allowedFailures(job, stats.ledger.read)));
  const { outcome, elsewhere } = await endRun(job, layout, share, own, () => lock.confirm());
  const seconds = (performance.now() - began) / 1000;
  const report = reportOf({ job: job.name, version, started, seconds, outcome, stats });
  if (!run.isLost) await writeReport(layout, share, report);
  if (share !== undefined && elsewhere > 0) sayShareDone(share, elsewhere, log);
  sayEnd(report, outcome, layout, logFormat(args.logFormat), args.quiet, log);
  return outcome.exit;
}

function freshShare(): SluiceError {
  return new SluiceError('SHARE_FRESH', '--fresh would forget what the other shares have done', {
    next: 'remove the output once, or choose another output.path, and start all shares without --fresh',
    exit: Exit.usage,
  });
}
