import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { contracts } from '../backends/api/contracts.ts';
import { Engine } from '../duckdb/engine.ts';
import { localParameters } from '../backends/onnx/parameters.ts';
import { Exit, messageOf, SluiceError } from '../errors.ts';
import { nearest } from '../nearest.ts';
import { draftProblems } from '../runs/prepare.ts';
import type { Job } from '../spec/job.ts';
import { formatProblems, type Locate, type Problem } from '../spec/problem.ts';
import { readJob } from '../spec/read-job.ts';
import { findTask, tasks } from '../tasks/index.ts';
import type { Task } from '../tasks/task.ts';

/** A job file that has been read: without a job where it has problems; then with those of its columns, too. */
export interface LoadedFile {
  text: string;
  job: Job | undefined;
  task: Task | undefined;
  problems: Problem[];
  locate: Locate;
}

/** Reads a job file with the environment and the overrides of the command line. */
export async function readJobFile(file: string, set: readonly string[]): Promise<LoadedFile> {
  let text: string;
  try {
    text = await textOf(file);
  } catch (error) {
    throw await unreadable(file, error);
  }
  const { job, draft, problems, locate } = readJob(text, {
    file,
    env: process.env,
    set,
    catalogue: tasks,
    contracts,
    local: localParameters,
  });
  if (job !== undefined) return { text, job, task: findTask(job.task), problems, locate };
  const more = draft === undefined ? [] : await problemsOfDraft(draft, locate);
  return { text, job, task: undefined, problems: [...problems, ...more], locate };
}

async function problemsOfDraft(draft: Job, locate: Locate): Promise<Problem[]> {
  const engine = await Engine.open();
  try {
    return await draftProblems(draft, findTask(draft.task), engine, locate);
  } finally {
    await engine.close();
  }
}

/** @throws {SluiceError} JOB_INVALID, exit 2, with all problems */
export async function loadJob(
  file: string,
  set: readonly string[],
): Promise<{ job: Job; task: Task; text: string; locate: Locate }> {
  const { job, task, text, problems, locate } = await readJobFile(file, set);
  if (job === undefined || task === undefined) throw invalidJob(problems, text);
  return { job, task, text, locate };
}

export function invalidJob(problems: readonly Problem[], text: string): SluiceError {
  const count = problems.length === 1 ? 'one problem' : `${problems.length} problems`;
  return new SluiceError(
    'JOB_INVALID',
    `${count} in the job file; nothing was sent\n${formatProblems(problems, text)}`,
    {
      exit: Exit.usage,
    },
  );
}

/** Far more than a person writes; a data set, or a device without end, is not read into memory. */
const longestFile = 4 * 1024 ** 2;

async function textOf(file: string): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of createReadStream(file, { end: longestFile })) chunks.push(chunk as Buffer);
  const bytes = Buffer.concat(chunks);
  if (bytes.length > longestFile) throw new Error('is no job file: it is larger than 4 MiB');
  return bytes.toString('utf8');
}

async function unreadable(file: string, error: unknown): Promise<SluiceError> {
  const { code } = error as NodeJS.ErrnoException;
  const folder = code === 'EISDIR' ? file : dirname(file);
  const jobs = (await readdir(folder).catch(() => [])).filter((name) => /\.ya?ml$/i.test(name)).sort();
  const near = nearest(basename(file), jobs);
  const there = jobs.length === 0 ? undefined : `in ${folder}: ${jobs.slice(0, 5).join(', ')}`;
  const next = near === undefined ? there : `did you mean ${join(folder, near)}?`;
  const words: Record<string, string> = { ENOENT: 'does not exist', EISDIR: 'is a folder' };
  return new SluiceError('JOB_UNREADABLE', `job file ${file} ${words[code ?? ''] ?? messageOf(error)}`, {
    next: next ?? '`sluice init > job.yaml` begins one',
    exit: Exit.usage,
    cause: error,
  });
}
