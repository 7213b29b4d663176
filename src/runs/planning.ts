import type { Job } from '../spec/job.ts';
import type { Dataset } from '../sources/dataset.ts';
import { folderVersion } from '../sources/files.ts';
import type { Mark, SourceFile } from '../sources/format.ts';
import { fingerprintOf } from './fingerprint.ts';
import { type Plan, type PlannedFile, planVersion, type Shard, shardsOf } from './plan.ts';

/** What became of a source since the plan was made. */
export interface PlanUpdate {
  plan: Plan;
  /** Shards of changed files: their parts no longer hold and are made again. */
  outdated: number[];
  /** Shards that no longer exist, because their changed file became shorter. */
  removed: number[];
  added: string[];
  changed: string[];
  /** Files of the plan that are gone. Committed parts of theirs are kept; pending shards are dropped. */
  vanished: string[];
}

/**
 * The plan for a source: a new one, or the old one brought up to date. Existing shards keep their numbers and rows, so
 * that what is committed stays committed: new files and a larger limit add shards at the end, a changed file's shards
 * are cut anew.
 */
export async function updatePlan(
  job: Job,
  dataset: Dataset,
  old: Plan | undefined,
  isCommitted: (shard: number) => boolean,
): Promise<PlanUpdate> {
  const plan: Plan = old === undefined ? emptyPlan(job) : structuredClone(old);
  plan.job = { name: job.name, fingerprint: fingerprintOf(job) };
  const update: PlanUpdate = { plan, outdated: [], removed: [], added: [], changed: [], vanished: [] };

  const present = new Map(dataset.files.map((file) => [file.path, file]));
  const marks = new Map<number, readonly Mark[]>();
  const total = () => plan.files.reduce((sum, file) => sum + file.rows, 0);

  for (const [index, planned] of plan.files.entries()) {
    const file = present.get(planned.path);
    if (file === undefined) {
      update.vanished.push(planned.path);
      const pending = plan.shards.filter((shard) => shard.file === index && !isCommitted(shard.id));
      update.removed.push(...pending.map((shard) => shard.id));
      plan.shards = plan.shards.filter((shard) => !pending.includes(shard));
    } else if (hasGrown(file, planned)) {
      // A sample is drawn once: what came later is not part of it.
      if (plan.sampledFrom !== undefined) continue;
      plan.files[index] = plannedFile(file, file.members!.length);
      update.added.push(file.path);
    } else if (isChanged(file, planned)) {
      update.changed.push(planned.path);
      const facts = await dataset.facts(file, job.output.rowsPerPart);
      marks.set(index, facts.marks);
      plan.files[index] = plannedFile(file, facts.rows);
    }
  }
  const known = new Set(plan.files.map((file) => file.path));
  for (const file of dataset.files) {
    // A sample is drawn once: a file that came later is not part of it.
    if (known.has(file.path) || plan.sampledFrom !== undefined) continue;
    const facts = await dataset.facts(file, job.output.rowsPerPart);
    marks.set(plan.files.length, facts.marks);
    plan.files.push(plannedFile(file, facts.rows));
    if (old !== undefined) update.added.push(file.path);
  }
  if (job.source.sample !== undefined) plan.sampledFrom ??= total();

  await cutShards(job, dataset, plan, update, marks);
  return update;
}

async function cutShards(
  job: Job,
  dataset: Dataset,
  plan: Plan,
  update: PlanUpdate,
  marks: Map<number, readonly Mark[]>,
): Promise<void> {
  const { source, output } = job;
  const sample =
    source.sample === undefined || !plan.sampledFrom
      ? undefined
      : { total: plan.sampledFrom, count: source.sample };
  const vanished = new Set(update.vanished);
  const changed = new Set(update.changed);
  let next = plan.shards.reduce((highest, shard) => Math.max(highest, shard.id + 1), 0);
  let offset = 0;
  for (const [index, file] of plan.files.entries()) {
    const before = offset;
    offset += file.rows;
    if (vanished.has(file.path)) continue;
    const cut = (from: number) =>
      shardsOf({
        file: index,
        rows: file.rows,
        offset: before,
        from,
        marks: marks.get(index) ?? [],
        rowsPerPart: output.rowsPerPart,
        ...(source.limit === undefined ? {} : { limit: source.limit }),
        ...(sample === undefined ? {} : { sample }),
      });
    const own = plan.shards.filter((shard) => shard.file === index);
    if (changed.has(file.path)) {
      const again = cut(0);
      const ids = own.map((shard) => shard.id);
      update.outdated.push(...ids.slice(0, again.length));
      update.removed.push(...ids.slice(again.length));
      plan.shards = plan.shards.filter((shard) => shard.file !== index);
      plan.shards.push(...again.map((shard, i) => ({ ...shard, id: ids[i] ?? next++ })));
      continue;
    }
    const covered = own.reduce((end, shard) => Math.max(end, shard.start + shard.rows), 0);
    const end = Math.min(file.rows, Math.max(0, (source.limit ?? Number.POSITIVE_INFINITY) - before));
    if (covered >= end || (sample !== undefined && own.length > 0)) continue;
    if (!marks.has(index))
      marks.set(index, (await dataset.facts(fileOf(dataset, file.path), output.rowsPerPart)).marks);
    plan.shards.push(...cut(covered).map((shard): Shard => ({ ...shard, id: next++ })));
  }
  plan.shards.sort((a, b) => a.id - b.id);
}

function emptyPlan(job: Job): Plan {
  return {
    version: planVersion,
    created: new Date().toISOString(),
    job: { name: job.name, fingerprint: fingerprintOf(job) },
    files: [],
    shards: [],
    dimensions: {},
  };
}

function plannedFile(file: SourceFile, rows: number): PlannedFile {
  const folders = file.path
    .split('/')
    .slice(0, -1)
    .filter((folder) => /^[^=]+=/.test(folder));
  const { path, size, modifiedMs, members } = file;
  const version = members && folderVersion(members);
  return { path, size, modifiedMs, rows, folders, ...(version === undefined ? {} : { version }) };
}

/** A folder whose files are the rows: the planned ones are as they were, and there are more after them. */
function hasGrown({ members = [] }: SourceFile, planned: PlannedFile): boolean {
  return members.length > planned.rows && folderVersion(members.slice(0, planned.rows)) === planned.version;
}

function isChanged({ size, modifiedMs, members }: SourceFile, planned: PlannedFile): boolean {
  if (members !== undefined) return folderVersion(members) !== planned.version;
  return size !== planned.size || modifiedMs !== planned.modifiedMs;
}

function fileOf(dataset: Dataset, path: string): SourceFile {
  return dataset.files.find((file) => file.path === path)!;
}
