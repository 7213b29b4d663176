import { jobTemplate } from '../tasks/job-template.ts';
import { taskOf } from './tasks.ts';

/** `sluice init`: a commented job file for a task, on stdout. */
export function init(args: { task: string }): void {
  process.stdout.write(jobTemplate(taskOf(args.task)));
}
