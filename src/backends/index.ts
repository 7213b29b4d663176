import type { Job } from '../spec/job.ts';
import type { Task } from '../tasks/task.ts';
import { openApiBackend } from './api/index.ts';
import type { Backend } from './backend.ts';

/**
 * The backend of a job. Asks nobody and loads no model before it is called.
 * @param onNotice what a pool has to say for the log
 * @throws {SluiceError} BACKEND_…, ONNX_…, MODEL_…
 */
export async function openBackend(
  job: Job,
  task: Task,
  onNotice: (message: string) => void,
): Promise<Backend> {
  const { backend } = job;
  if (backend.type === 'api') return openApiBackend({ ...job, backend }, task);
  const { openOnnxBackend } = await import('./onnx/index.ts');
  return openOnnxBackend(job, backend, task, onNotice);
}
