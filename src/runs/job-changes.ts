import { Exit, SluiceError } from '../errors.ts';
import type { Job } from '../spec/job.ts';
import { type Change, changes, fingerprintOf } from './fingerprint.ts';
import type { Layout } from './layout.ts';
import { type ModelFile, modelChanges } from './model-files.ts';
import type { Plan } from './plan.ts';

/**
 * What makes the answers of the plan those of another job.
 * @param model files of a model on this machine; a plan that knows none has nothing to compare them with
 */
export function jobChanges(job: Job, model: readonly ModelFile[] | undefined, old: Plan): Change[] {
  const ofModel = model === undefined || old.model === undefined ? [] : modelChanges(old.model, model);
  return [...changes(old.job.fingerprint, fingerprintOf(job)), ...ofModel];
}

/** @throws {SluiceError} JOB_CHANGED, exit 2 */
export function refuseChangedJob(found: readonly Change[], layout: Layout): void {
  if (found.length === 0) return;
  const list = found
    .map(({ field, before, now }) => `  ${field}: was ${brief(before)}, is ${brief(now)}`)
    .join('\n');
  throw new SluiceError(
    'JOB_CHANGED',
    `output ${layout.root} was made by another version of this job:\n${list}`,
    {
      next: 'run with --fresh to forget it (every row is asked again), or choose another output.path to keep both',
      exit: Exit.usage,
    },
  );
}

function brief(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > 120 ? `${text.slice(0, 120)}…` : text;
}
