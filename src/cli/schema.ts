import { jobSchema } from '../spec/json-schema.ts';
import { tasks } from '../tasks/index.ts';

/** `sluice schema`: the JSON Schema of the job file. */
export function schema(): void {
  process.stdout.write(`${JSON.stringify(jobSchema(tasks), null, 2)}\n`);
}
