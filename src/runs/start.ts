import { access, constants, lstat, readdir, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { LocalFiles } from '../backends/backend.ts';
import { Exit, messageOf, SluiceError } from '../errors.ts';
import type { Dataset } from '../sources/dataset.ts';
import type { Job } from '../spec/job.ts';
import { makeFolder, removeFile, syncDir } from '../storage/durable.ts';
import { isLeftover, localStorage } from '../storage/local.ts';
import { underGuard } from './claim.ts';
import type { CommitRecord } from './commit.ts';
import { jobChanges, refuseChangedJob } from './job-changes.ts';
import type { Layout } from './layout.ts';
import { refuseLinks } from './links.ts';
import { removeDeadDrafts } from './lock.ts';
import { modelFilesOf } from './model-files.ts';
import type { Plan } from './plan.ts';
import { type PlanUpdate, updatePlan } from './planning.ts';
import { draftJournal } from './journal.ts';
import { namesIn, readPlan, readState } from './state.ts';
import { stateText } from './state-file.ts';

/** A run that is about to begin: its plan is on the disk, and what it left undone is known. */
export interface Started {
  plan: Plan;
  records: Map<number, CommitRecord>;
  update: PlanUpdate;
  /** Parts that were committed and are gone; their rows are done again. */
  lostParts: string[];
}

export interface StartOptions {
  /** Forget what an earlier run wrote. */
  fresh?: boolean;
  /** Remove the parts of files that are gone. */
  prune?: boolean;
  /** Other shares of the job are at work. */
  others?: boolean;
  /** Files of a model on this machine. */
  model?: LocalFiles | undefined;
}

/**
 * Makes the output directory ready to be locked.
 * @throws {SluiceError} OUTPUT_NOT_WRITABLE, OUTPUT_LINK, exit 3
 */
export async function openOutput(layout: Layout): Promise<void> {
  const { root, run, shards, journals, errors, temporary } = layout;
  await refuseLinks(root, [run, shards, journals, errors, temporary]);
  try {
    await makeFolder(run);
    await access(root, constants.W_OK);
    for (const folder of [shards, journals, errors]) await makeFolder(folder);
  } catch (error) {
    throw new SluiceError('OUTPUT_NOT_WRITABLE', `output ${root}: cannot be written: ${messageOf(error)}`, {
      next: 'choose another output.path, or give this user the right to write there',
      cause: error,
    });
  }
  // Answers are appended to a journal that is there; every other file is replaced as a whole.
  const names = await namesIn(journals);
  await refuseLinks(
    root,
    names.map((name) => join(journals, name)),
  );
}

/**
 * Brings the plan up to date with the job and its source, under the lock. While others are at work the plan must be up
 * to date already, and what they are writing is left alone.
 * @throws {SluiceError} JOB_CHANGED, exit 2, when what is there was made by another job; PLAN_IN_USE, exit 75
 */
export async function startRun(
  job: Job,
  dataset: Dataset,
  layout: Layout,
  { fresh = false, prune = false, others = false, model }: StartOptions = {},
): Promise<Started> {
  if (fresh) await forget(layout);
  const { plan: old, records } = await readState(layout);
  if (old === undefined) await refuseForeignFiles(layout);
  const files = model === undefined ? undefined : await modelFilesOf(model, old?.model);
  if (old !== undefined) refuseChangedJob(jobChanges(job, files, old), layout);
  const update = await updatePlan(job, dataset, old, (shard) => records.has(shard), prune);
  // Those of files that are gone, too: their parts may be removed.
  await refuseLinks(
    layout.root,
    update.plan.files.map(({ folders }) => join(layout.root, ...folders)),
  );
  // A refused run leaves everything as it was, the word that the output is complete included.
  await removeFile(layout.success);
  if (!others) await removeLeftovers(layout);

  const lost = await lostParts(layout, records);
  if (files !== undefined) update.plan.model = files;
  if (others) {
    const isSame =
      old !== undefined &&
      isDeepStrictEqual([update.plan.files, update.plan.shards], [old.files, old.shards]);
    if (!isSame || lost.length > 0) throw planInUse(layout);
    return { plan: update.plan, records, update, lostParts: [] };
  }
  const lostShards = lost.map(({ shard }) => shard);
  await retire(layout, records, [...update.outdated, ...update.removed, ...lostShards], update.removed);
  await writePlan(layout, update.plan);
  // By what is there, not by what could be: ten thousand committed shards have no journal.
  for (const name of await namesIn(layout.journals))
    if (records.has(Number.parseInt(name, 10))) await rm(join(layout.journals, name), { force: true });
  return { plan: update.plan, records, update, lostParts: lost.map(({ part }) => part) };
}

export async function writePlan(layout: Layout, plan: Plan): Promise<void> {
  await localStorage.writeAtomic(layout.plan, stateText(plan));
}

/**
 * Keeps the lengths of vectors that the first answers told, for whoever writes parts of this plan.
 * @throws {SluiceError} OTHER_DIMENSION, exit 3, when another process of the job was told another length
 */
export async function saveDimensions(layout: Layout, dimensions: Plan['dimensions']): Promise<void> {
  await underGuard(layout, async () => {
    const plan = await readPlan(layout);
    if (plan === undefined) return;
    for (const [name, length] of Object.entries(dimensions)) {
      const known = plan.dimensions[name] ?? length;
      if (known === length) continue;
      throw new SluiceError(
        'OTHER_DIMENSION',
        `${name}: ${length} numbers, but another process of this job was answered ${known}`,
        { next: 'do all processes ask the same model? The parts of one output have one schema' },
      );
    }
    await writePlan(layout, { ...plan, dimensions: { ...plan.dimensions, ...dimensions } });
  });
}

/** Removes what a killed run had not finished writing; under the lock, so none of it is still being written. */
async function removeLeftovers(layout: Layout): Promise<void> {
  await rm(layout.temporary, { recursive: true, force: true });
  for (const folder of [layout.root, layout.run, layout.shards, layout.errors]) {
    for (const name of await namesIn(folder)) if (isLeftover(name)) await rm(join(folder, name));
  }
  for (const name of await namesIn(layout.journals))
    if (name.endsWith(draftJournal)) await rm(join(layout.journals, name));
  for (const lock of [layout.lock(), layout.guard]) await removeDeadDrafts(lock);
}

/** Says to whoever waits for the output that it is complete. */
export async function finish(layout: Layout): Promise<void> {
  await rm(layout.temporary, { recursive: true, force: true });
  await localStorage.writeAtomic(layout.success, '');
}

/**
 * Shards that no longer hold lose their commit record, and that is on the disk before the plan says anything new of
 * them: they are pending, never committed with an old part. Parts of shards that no longer exist go before the record
 * that names them: without it no later run would know that they are waste.
 */
async function retire(
  layout: Layout,
  records: Map<number, CommitRecord>,
  shards: readonly number[],
  removed: readonly number[],
): Promise<void> {
  for (const id of removed) {
    const record = records.get(id);
    if (record !== undefined) await removeFile(join(layout.root, record.part));
    await removeFile(layout.journal(id));
  }
  for (const id of shards) {
    await removeFile(layout.deadLetters(id));
    await removeFile(layout.record(id));
    records.delete(id);
  }
}

/** Committed shards whose part somebody has removed; one look into each folder, not at each of the parts. */
async function lostParts(layout: Layout, records: Map<number, CommitRecord>): Promise<CommitRecord[]> {
  const names = new Map<string, Promise<Set<string>>>();
  const namesOf = (folder: string) => {
    const known = names.get(folder) ?? namesIn(folder).then((found) => new Set(found));
    names.set(folder, known);
    return known;
  };
  const lost: CommitRecord[] = [];
  for (const record of records.values()) {
    const path = join(layout.root, record.part);
    if (!(await namesOf(dirname(path))).has(basename(path))) lost.push(record);
  }
  return lost;
}

/** Removes what earlier runs wrote, and nothing else: parts by their commit records, and the run directory. */
async function forget(layout: Layout): Promise<void> {
  const { records } = await readState(layout).catch((error: unknown) => {
    throw new SluiceError(
      'STATE_DAMAGED',
      `--fresh: cannot tell which parts in ${layout.root} are ours: ${messageOf(error)}`,
      {
        next: 'remove the output directory by hand, or choose another output.path',
        cause: error,
      },
    );
  });
  const parts = [...records.values()].map(({ part }) => join(layout.root, part));
  await refuseLinks(layout.root, parts.map(dirname));
  await removeFile(layout.success);
  for (const part of parts) await removeFile(part);
  for (const folder of [layout.shards, layout.journals, layout.errors]) {
    await rm(folder, { recursive: true, force: true });
    await makeFolder(folder);
  }
  // The old plan stays until nothing is left that a new one could take for its own: answers of another model, say.
  await syncDir(layout.run);
  await removeFile(layout.plan);
}

/**
 * A first run into a folder with files of somebody else would replace those that have a part's name. Empty folders are
 * in nobody's way: `--fresh` and killed runs leave those of partitions.
 */
async function refuseForeignFiles(layout: Layout): Promise<void> {
  const foreign: string[] = [];
  for (const name of await namesIn(layout.root)) {
    if (!/^[_.]/.test(name) && (await holdsFile(join(layout.root, name)))) foreign.push(name);
  }
  if (foreign.length === 0) return;
  throw new SluiceError(
    'OUTPUT_NOT_EMPTY',
    `output ${layout.root}: holds ${foreign.slice(0, 3).join(', ')}${foreign.length > 3 ? ', …' : ''}, which no run of sluice wrote`,
    { next: 'choose an empty or a new directory as output.path' },
  );
}

/** Whether a path is a file or a folder with one somewhere below it. */
async function holdsFile(path: string): Promise<boolean> {
  if (!(await lstat(path)).isDirectory()) return true;
  for (const name of await readdir(path)) if (await holdsFile(join(path, name))) return true;
  return false;
}

/** A plan that others work by is not changed under their hands. */
function planInUse(layout: Layout): SluiceError {
  return new SluiceError(
    'PLAN_IN_USE',
    `output ${layout.root}: source.limit, the source or a part is not as it was when the other shares began`,
    { next: 'wait until they have ended, then start all of them again', exit: Exit.later },
  );
}
