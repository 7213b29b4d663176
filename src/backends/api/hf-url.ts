import { Exit, SluiceError } from '../../errors.ts';

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
  if (model === undefined && base.includes('{model}')) {
    throw unusable(
      `backend.url needs a model: ${base}`,
      'Name a model, or give the full URL of an endpoint.',
    );
  }
  const path = (model ?? '').split('/').map(encodeURIComponent).join('/');
  const url = parsed(base.replaceAll('{model}', path).replaceAll('{task}', encodeURIComponent(task)));
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

function parsed(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw unusable(`backend.url is no http(s) URL: ${text}`, `Write it in full, such as ${HF_ROUTER_URL}`);
  }
  if (url.username !== '' || url.password !== '') {
    throw unusable(
      `backend.url has credentials in it: ${url.host}`,
      'Move them to backend.token or backend.headers.',
    );
  }
  return url;
}

function unusable(message: string, next: string): SluiceError {
  return new SluiceError('BACKEND_URL', message, { next, exit: Exit.usage });
}
