import { openBackend } from '../backends/index.ts';
import { Engine } from '../duckdb/engine.ts';
import { SluiceError } from '../errors.ts';
import { firstQuestion } from '../runs/first-question.ts';
import { jobChanges } from '../runs/job-changes.ts';
import { Layout } from '../runs/layout.ts';
import { modelFilesOf } from '../runs/model-files.ts';
import { plannedRows } from '../runs/plan.ts';
import { updatePlan } from '../runs/planning.ts';
import { prepare } from '../runs/prepare.ts';
import { rowsOfCall } from '../runs/scheduling.ts';
import { ledgerOf, readState } from '../runs/state.ts';
import { Windows } from '../runs/windows.ts';
import { invalidJob, loadJob } from './load-job.ts';
import { count, plural } from './words.ts';

export interface PlanArguments {
  job: string;
  set: string[];
  limit?: number;
  json: boolean;
}

/** `sluice plan`: what a run would do. Reads the source, sends nothing, writes nothing. */
export async function plan(args: PlanArguments): Promise<void> {
  const set = args.limit === undefined ? args.set : [...args.set, `source.limit=${args.limit}`];
  const { job, task, text, locate } = await loadJob(args.job, set);
  const layout = new Layout(job.output.path);
  const engine = await Engine.open();
  const backend = await openBackend(job, task, () => undefined).catch(async (error: unknown) => {
    await engine.close();
    throw error;
  });
  try {
    const { prepared, problems } = await prepare(job, task, engine, locate);
    if (prepared === undefined) throw invalidJob(problems, text);
    try {
      const state = await readState(layout);
      const files = backend.local?.files;
      const model = files === undefined ? undefined : await modelFilesOf(files, state.plan?.model);
      const changed = state.plan === undefined ? [] : jobChanges(job, model, state.plan);
      const old = changed.length > 0 ? undefined : state.plan;
      const update = await updatePlan(
        job,
        prepared.dataset,
        old,
        (shard) => old !== undefined && state.records.has(shard),
      );
      const records = old === undefined ? new Map() : state.records;
      for (const shard of [...update.outdated, ...update.removed]) records.delete(shard);
      const ledger = ledgerOf({ plan: update.plan, records });
      const question = await firstQuestion(prepared, update.plan, engine);
      const { local } = backend;
      const toDo = update.plan.shards.filter(({ id }) => !records.has(id));
      const figures = {
        job: job.name,
        output: layout.root,
        files: update.plan.files.length,
        rows: plannedRows(update.plan),
        shards: update.plan.shards.length,
        committed_shards: update.plan.shards.length - toDo.length,
        done: ledger.succeeded + ledger.failed + ledger.filtered,
        pending: ledger.pending,
        // Rows that `where` refuses are only known when they are read.
        requests_at_most:
          local === undefined
            ? Math.ceil(ledger.pending / rowsOfCall(job, backend))
            : new Windows(local, update.plan).count(toDo),
        changed: changed.map(({ field }) => field),
        first_request: question instanceof SluiceError ? null : backend.preview([question]),
      };
      process.stdout.write(args.json ? `${JSON.stringify(figures, null, 2)}\n` : `${describe(figures)}\n`);
    } finally {
      prepared.dataset.close();
    }
  } finally {
    await backend.close();
    await engine.close();
  }
}

function describe(figures: {
  job: string;
  output: string;
  files: number;
  rows: number;
  shards: number;
  committed_shards: number;
  done: number;
  pending: number;
  requests_at_most: number;
  changed: string[];
  first_request: string | null;
}): string {
  const lines = [
    `${figures.job} → ${figures.output}`,
    `  source    ${plural(figures.files, 'file')}, ${plural(figures.rows, 'row')} in ${plural(figures.shards, 'shard')}`,
    `  done      ${plural(figures.done, 'row')} in ${plural(figures.committed_shards, 'committed shard')}`,
    `  to do     ${plural(figures.pending, 'row')}, ${figures.pending === 0 ? 'no requests' : `at most ${count(figures.requests_at_most)} requests`}`,
  ];
  if (figures.changed.length > 0) {
    lines.push(
      '',
      `The output was made by another version of this job (${figures.changed.join(', ')}): run needs --fresh.`,
    );
  }
  lines.push('', 'A first request:', '', figures.first_request ?? '  (no row of the source makes one)');
  return lines.join('\n');
}
