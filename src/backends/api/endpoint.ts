import { filledUrl } from './base-url.ts';
import { classifyResponse } from './classify.ts';
import type { Contract } from './contract.ts';
import { hf } from './hf.ts';

/**
 * A dedicated endpoint, or any server that takes the Inference API's bodies at one address: `backend.url` is used as it
 * is written, only `{model}` and `{task}` are filled in.
 */
export const endpoint: Contract = {
  ...hf,
  name: 'endpoint',
  urlFor: (task, model, base) => filledUrl(task.name, model, base),
  classify: (status, headers, body) => classifyResponse(status, headers, body, Date.now()),
};
