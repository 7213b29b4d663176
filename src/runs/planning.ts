import type { Job } from '../spec/job.ts';
import type { Dataset } from '../sources/dataset.ts';
import { arrange, folderVersion, namesOf } from '../sources/files.ts';
import type { Mark, SourceFile } from '../sources/format.ts';
import { fingerprintOf } from './fingerprint.ts';
import { type Plan, type PlannedFile, planVersion, rowsUpTo, type Shard, shardsOf } from './plan.ts';

/** What became of a source since the plan was made. */
export interface PlanUpdate {
  plan: Plan;
  /** Shards of changed files: their parts no longer hold and are made again. */
  outdated: number[];
  /** Shards that no longer exist, because their changed file became shorter. */
  removed: number[];
  added: string[];
  changed: string[];
  /** Files of the plan that are gone. Pending shards of theirs are dropped, committed ones only to prune. */
  vanished: string[];
}

/**
 * The plan for a source: a new one, or the old one brought up to date. Existing shards keep their numbers and rows, so
 * that what is committed stays committed: new files and a larger limit add shards at the end, a changed file's shards
 * are cut anew.
 * @param prune drop the committed shards of files that are gone, too
 */
export async function updatePlan(
  job: Job,
  dataset: Dataset,
  old: Plan | undefined,
  isCommitted: (shard: number) => boolean,
  prune = false,
): Promise<PlanUpdate> {
  const plan: Plan = old === undefined ? emptyPlan(job) : structuredClone(old);
  plan.job = { name: job.name, fingerprint: fingerprintOf(job) };
  const update: PlanUpdate = { plan, outdated: [], removed: [], added: [], changed: [], vanished: [] };

  const present = new Map(dataset.files.map((file) => [file.path, file]));
  const marks = new Map<number, readonly Mark[]>();
  const total = () => plan.files.reduce((sum, file) => sum + file.rows, 0);

  const planned = shardsByFile(plan);
  for (const [index, { path }] of plan.files.entries()) {
    if (present.has(path)) continue;
    const own = planned.get(index) ?? [];
    if (own.length > 0) update.vanished.push(path);
    for (const { id } of own) if (prune || !isCommitted(id)) update.removed.push(id);
  }
  const removed = new Set(update.removed);
  plan.shards = plan.shards.filter((shard) => !removed.has(shard.id));

  for (const [index, planned] of plan.files.entries()) {
    const file = present.get(planned.path);
    if (file === undefined) continue;
    if (file.members !== undefined) arrange(file.members, planned.members ?? []);
    if (hasGrown(file, planned)) {
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
  // A limit on a sample counts the rows that are read: among the first hundred of a million there may be none of them.
  const limit =
    source.limit !== undefined && sample !== undefined
      ? rowsUpTo(source.limit, sample.total, sample.count)
      : source.limit;
  const present = new Map(dataset.files.map((file) => [file.path, file]));
  const planned = shardsByFile(plan);
  const changed = new Set(update.changed);
  let next = plan.shards.reduce((highest, shard) => Math.max(highest, shard.id + 1), 0);
  let offset = 0;
  for (const [index, file] of plan.files.entries()) {
    const before = offset;
    offset += file.rows;
    const found = present.get(file.path);
    if (found === undefined) continue;
    const cut = (from: number, to = file.rows) =>
      shardsOf({
        file: index,
        rows: to,
        offset: before,
        from,
        marks: marks.get(index) ?? [],
        rowsPerPart: output.rowsPerPart,
        ...(limit === undefined ? {} : { limit }),
        ...(sample === undefined ? {} : { sample }),
      });
    const own = planned.get(index) ?? [];
    if (changed.has(file.path)) {
      const again = cut(0);
      const ids = own.map((shard) => shard.id);
      update.outdated.push(...ids.slice(0, again.length));
      update.removed.push(...ids.slice(again.length));
      planned.set(
        index,
        again.map((shard, i) => ({ ...shard, id: ids[i] ?? next++ })),
      );
      continue;
    }
    const end = Math.min(file.rows, Math.max(0, (limit ?? Number.POSITIVE_INFINITY) - before));
    // Marks cost a pass over the file: only where there is something to cut.
    const gaps = gapsBetween(own, end).filter(([from, to]) => cut(from, to).length > 0);
    if (gaps.length === 0) continue;
    if (!marks.has(index)) marks.set(index, (await dataset.facts(found, output.rowsPerPart)).marks);
    const more = gaps
      .flatMap(([from, to]) => cut(from, to))
      .map((shard): Shard => ({ ...shard, id: next++ }));
    planned.set(index, [...own, ...more]);
  }
  plan.shards = [...planned.values()].flat().sort((a, b) => a.id - b.id);
}

/** A search through all shards for each file would take minutes with ten thousand of both. */
function shardsByFile({ shards }: Plan): Map<number, Shard[]> {
  const byFile = new Map<number, Shard[]>();
  for (const shard of shards) {
    const own = byFile.get(shard.file);
    if (own === undefined) byFile.set(shard.file, [shard]);
    else own.push(shard);
  }
  return byFile;
}

/**
 * Ranges of rows up to `end` that are in no shard: behind the last one where a limit was raised, and between them where
 * a file had vanished with shards pending, and came back.
 */
function gapsBetween(shards: readonly Shard[], end: number): [from: number, to: number][] {
  const gaps: [number, number][] = [];
  let covered = 0;
  for (const { start, rows } of [...shards].sort((a, b) => a.start - b.start)) {
    if (start > covered) gaps.push([covered, Math.min(start, end)]);
    covered = Math.max(covered, start + rows);
  }
  if (covered < end) gaps.push([covered, end]);
  return gaps;
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
  const folder = members && { members: namesOf(members), version: folderVersion(members) };
  return { path, size, modifiedMs, rows, folders, ...folder };
}

/** A folder whose files are the rows: the planned ones are as they were, and there are more after them. */
function hasGrown({ members = [] }: SourceFile, planned: PlannedFile): boolean {
  return members.length > planned.rows && folderVersion(members.slice(0, planned.rows)) === planned.version;
}

function isChanged({ size, modifiedMs, members }: SourceFile, planned: PlannedFile): boolean {
  if (members !== undefined) return folderVersion(members) !== planned.version;
  return size !== planned.size || modifiedMs !== planned.modifiedMs;
}
