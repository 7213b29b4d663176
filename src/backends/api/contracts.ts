import type { ApiSpec } from '../../spec/job.ts';
import type { Contract } from './contract.ts';
import { endpoint } from './endpoint.ts';
import { hf } from './hf.ts';
import { openai } from './openai.ts';
import { tei } from './tei.ts';

/** Every contract, by its name in a job file. Apart from who sends, so that `check` need not load an HTTP client. */
export const contracts: Readonly<Record<ApiSpec['contract'], Contract>> = {
  hf,
  endpoint,
  tei,
  openai,
};
