import { Engine } from '../duckdb/engine.ts';
import { openBackend } from '../backends/index.ts';
import { Exit, type ExitCode, SluiceError } from '../errors.ts';
import { claimOutput } from '../runs/claim.ts';
import { endRun } from '../runs/end.ts';
import { Layout } from '../runs/layout.ts';
import { outcomeOf } from '../runs/outcome.ts';
import { prepare } from '../runs/prepare.ts';
import { writeReport } from '../runs/report.ts';
import { reopenFailed, type RetrySelection } from '../runs/retry.ts';
import { allowedFailures, Run } from '../runs/run.ts';
import { isIn, readShare, type Share, shareText } from '../runs/share.ts';
import { openOutput, startRun } from '../runs/start.ts';
import { systemClock } from '../scheduler/clock.ts';
import { invalidJob, loadJob } from './load-job.ts';
import { createLog, type LogFormat, logFormat } from './log.ts';
import { Progress } from './progress.ts';
import { eventLogger, sayEnd, sayReopened } from './run-log.ts';
import { Signals } from './signals.ts';
import { plural } from './words.ts';
import { version } from '../version.ts';

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
  const { share } = args;
  if (share !== undefined && args.fresh) throw freshShare();
  const set = args.limit === undefined ? args.set : [...args.set, `source.limit=${args.limit}`];
  const { job, task, text, locate } = await loadJob(args.job, set);
  const format = logFormat(args.logFormat);
  const log = createLog(format, args.quiet);
  const layout = new Layout(job.output.path);
  const engine = await Engine.open();
  try {
    const { prepared, problems } = await prepare(job, task, engine, locate);
    if (prepared === undefined) throw invalidJob(problems, text);
    const notice = (message: string) => log.warn({ event: 'worker-lost' }, message);
    const backend = await openBackend(job, task, notice);
    await openOutput(layout);
    const { fresh, prune = false } = args;
    const { lock, begun } = await claimOutput(layout, share, async ({ others, tookOver }) => {
      if (tookOver !== undefined) {
        log.warn(
          { event: 'lock-taken-over' },
          `took over the lock of process ${tookOver.pid} on ${tookOver.host}, which is gone`,
        );
      }
      return startRun(job, prepared.dataset, layout, { fresh, prune, others });
    });
    try {
      const started = new Date();
      const began = performance.now();
      const { records, update, lostParts } = begun;
      const shards = begun.plan.shards.filter(({ id }) => isIn(share, id));
      const plan = { ...begun.plan, shards };
      for (const part of lostParts)
        log.warn({ event: 'part-gone', part }, `${part} is gone: its rows are done again`);
      for (const path of update.changed)
        log.warn({ event: 'source-changed', path }, `${path} was changed: its rows are done again`);
      for (const path of update.vanished)
        log.warn(
          { event: 'source-vanished', path },
          `${path} is gone: the parts made of it are ${args.prune ? 'removed' : 'kept; --prune removes them'}`,
        );
      if (args.retry !== undefined) {
        const context = { prepared, plan, records, layout, engine };
        sayReopened(await reopenFailed(context, args.retry), args.retry, log);
      }
      // Nobody is asked anything only to find that all is done.
      if (plan.shards.some(({ id }) => !records.has(id))) await backend.ready();
      const work = new Run({
        prepared,
        plan,
        records,
        layout,
        engine,
        backend,
        clock: systemClock,
        random: Math.random,
        confirm: () => lock.confirm(),
        ...(args.retry === undefined ? {} : { retry: args.retry }),
        onEvent: eventLogger(log),
      });
      const progress = args.quiet
        ? undefined
        : new Progress(() => work.stats(), log, process.stderr.isTTY === true);
      const signals = new Signals(
        () => {
          progress?.stopping();
          work.stop();
        },
        () => engine.close(),
        log,
      );
      progress?.start();
      const ending = await work.run();
      progress?.stop();
      signals.dispose();
      const stats = work.stats();
      const own = signals.apply(outcomeOf(ending, stats.ledger, allowedFailures(job, stats.ledger.read)));
      const { outcome, elsewhere } = await endRun(job, layout, share, own);
      const seconds = (performance.now() - began) / 1000;
      const report = await writeReport(layout, {
        job: job.name,
        version,
        started,
        seconds,
        outcome,
        stats,
        ...(share === undefined ? {} : { share }),
      });
      if (share !== undefined && elsewhere > 0) {
        log.info(
          { event: 'share-done', pending_elsewhere: elsewhere },
          `share ${shareText(share)} is done; ${plural(elsewhere, 'row')} of other shares are pending`,
        );
      }
      sayEnd(report, outcome, layout, format, args.quiet, log);
      return outcome.exit;
    } finally {
      await backend.close();
      await lock.release();
      prepared.dataset.close();
    }
  } finally {
    await engine.close();
  }
}

function freshShare(): SluiceError {
  return new SluiceError('SHARE_FRESH', '--fresh would forget what the other shares have done', {
    next: 'remove the output once, or choose another output.path, and start all shares without --fresh',
    exit: Exit.usage,
  });
}
