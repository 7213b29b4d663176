import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { SluiceError } from '../../errors.ts';
import type { Dtype } from './model.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** Whether a model's name is a folder's path and not a hub id. */
export function isPath(name: string): boolean {
  return isAbsolute(name) || /^\.{1,2}[/\\]/.test(name);
}

/** Where the Hugging Face libraries keep what they have downloaded, by their own variables. */
export function hubCache(env: Environment): string {
  if (env.HF_HUB_CACHE !== undefined) return env.HF_HUB_CACHE;
  const home = env.HF_HOME ?? join(env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'huggingface');
  return join(home, 'hub');
}

/** The folder of a model in the cache: that of its `main`, or the only one; undefined where it is not there. */
export function cachedModel(id: string, env: Environment): string | undefined {
  const repository = join(hubCache(env), `models--${id.replaceAll('/', '--')}`);
  const snapshots = join(repository, 'snapshots');
  const main = join(repository, 'refs', 'main');
  if (existsSync(main)) {
    const folder = join(snapshots, readFileSync(main, 'utf8').trim());
    if (existsSync(folder)) return folder;
  }
  const [only, ...others] = existsSync(snapshots) ? readdirSync(snapshots) : [];
  return only === undefined || others.length > 0 ? undefined : join(snapshots, only);
}

/**
 * The folder of a model: a path as it stands, else `model_dir`/id, else the Hugging Face cache. Nothing is downloaded:
 * a run that fetches gigabytes on the quiet is a surprise, and cron has no network.
 * @param dtype the number format that is wanted of one that is not there
 * @throws {SluiceError} MODEL_NOT_FOUND, exit 3
 */
export function findModel(
  name: string,
  modelDir: string | undefined,
  env: Environment,
  dtype: Dtype = 'auto',
): string {
  if (isPath(name)) {
    if (existsSync(name)) return name;
    throw new SluiceError('MODEL_NOT_FOUND', `model ${name}: there is no such folder`, {
      next: 'a relative path starts from the working directory',
    });
  }
  const inDir = modelDir === undefined ? undefined : join(modelDir, name);
  if (inDir !== undefined && existsSync(inDir)) return inDir;
  const cached = cachedModel(name, env);
  if (cached !== undefined) return cached;
  const looked = [...(inDir === undefined ? [] : [inDir]), hubCache(env)];
  throw new SluiceError(
    'MODEL_NOT_FOUND',
    `model ${name}: is not on this machine; looked in ${looked.join(' and ')}`,
    {
      next: `sluice models pull ${name}${dtype === 'auto' ? '' : ` --dtype ${dtype}`}`,
    },
  );
}
