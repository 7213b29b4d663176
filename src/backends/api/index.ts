import type { ApiSpec, Job } from '../../spec/job.ts';
import type { Task } from '../../tasks/task.ts';
import type { Backend } from '../backend.ts';
import type { Contract } from './contract.ts';
import { endpoint } from './endpoint.ts';
import { hf } from './hf.ts';
import { ApiBackend } from './http.ts';
import { openai } from './openai.ts';
import { tei } from './tei.ts';

/** Every contract, by its name in a job file. */
export const contracts: Readonly<Record<ApiSpec['contract'], Contract>> = {
  hf,
  endpoint,
  tei,
  openai,
};

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
