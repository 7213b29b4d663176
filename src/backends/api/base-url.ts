import { Exit, SluiceError } from '../../errors.ts';

/**
 * `backend.url` with `{model}` and `{task}` filled in, percent-encoded except for the `/` inside a model id.
 * @throws {SluiceError} BACKEND_URL for what is no http(s) URL, has credentials in it, or wants a model where none is named
 */
export function filledUrl(task: string, model: string | undefined, base: string): URL {
  if (model === undefined && base.includes('{model}')) {
    throw unusable(
      `backend.url needs a model: ${base}`,
      'Name a model, or give the full URL of an endpoint.',
    );
  }
  const text = base
    .replaceAll('{model}', encodedModel(model ?? ''))
    .replaceAll('{task}', encodeURIComponent(task));
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw unusable(
      `backend.url is no http(s) URL: ${text}`,
      'Write it in full, such as http://127.0.0.1:8080',
    );
  }
  if (url.username !== '' || url.password !== '') {
    throw unusable(
      `backend.url has credentials in it: ${url.host}`,
      'Move them to backend.token or backend.headers.',
    );
  }
  return url;
}

/** A model id as a part of a path. */
export function encodedModel(model: string): string {
  return model.split('/').map(encodeURIComponent).join('/');
}

/** Refuses a URL before anything is sent to it. */
export function unusable(message: string, next: string): SluiceError {
  return new SluiceError('BACKEND_URL', message, { next, exit: Exit.usage });
}
