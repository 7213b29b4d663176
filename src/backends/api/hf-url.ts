import { encodedModel, filledUrl } from './base-url.ts';

/** Where jobs go that name no `backend.url`. */
export const HF_ROUTER_URL = 'https://router.huggingface.co/hf-inference/models/{model}';

/**
 * Tasks that the router serves under a route of their own, because a sentence-transformers model serves both
 * (huggingface_hub#3044).
 */
const PIPELINE_TASKS = new Set(['feature-extraction', 'sentence-similarity']);

/**
 * The URL to post to.
 *
 * - `{model}` and `{task}` are filled in, percent-encoded except for the `/` inside a model id.
 * - A base without placeholders gets `/models/{model}`, unless it has `/models/…` or `/pipeline/…` already or the job
 *   names no model: then it is a full endpoint URL and used as it is.
 * - Where the path is `…/hf-inference/models/{model}`, the router's layout, `/pipeline/{task}` follows for
 *   feature-extraction and sentence-similarity. Other servers get the documented `/models/{model}` for every task.
 *
 * @throws {SluiceError} BACKEND_URL
 */
export function hfUrl(task: string, model: string | undefined, base: string): URL {
  const path = encodedModel(model ?? '');
  const url = filledUrl(task, model, base);
  if (
    model !== undefined &&
    !/\{(?:model|task)\}/.test(base) &&
    !/\/(?:models|pipeline)\/./.test(url.pathname)
  ) {
    url.pathname = `${url.pathname.replace(/(?:\/models)?\/*$/, '')}/models/${path}`;
  }
  if (
    PIPELINE_TASKS.has(task) &&
    model !== undefined &&
    url.pathname.endsWith(`/hf-inference/models/${path}`)
  ) {
    url.pathname += `/pipeline/${task}`;
  }
  return url;
}
