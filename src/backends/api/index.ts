import type { ApiSpec, Job } from '../../spec/job.ts';
import type { Task } from '../../tasks/task.ts';
import type { Backend } from '../backend.ts';
import { contracts } from './contracts.ts';
import { ApiBackend } from './http.ts';

/**
 * The backend of a job whose `backend.type` is `api`. Connects only when called.
 * @throws {SluiceError} BACKEND_URL, BACKEND_HEADER
 */
export function openApiBackend(
  job: Pick<Job, 'model' | 'options'> & { backend: ApiSpec },
  task: Task,
): Backend {
  const { url, contract, token, headers } = job.backend;
  return new ApiBackend({
    contract: contracts[contract],
    task,
    url,
    headers,
    useCache: job.options.useCache,
    ...(job.model === undefined ? undefined : { model: job.model }),
    ...(token === undefined ? undefined : { token }),
  });
}
