import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { tasksOf } from '../backends/onnx/architecture.ts';
import { cachedModel, findModel, hubCache } from '../backends/onnx/find-model.ts';
import { filesToPull, hubModel, hubOf } from '../backends/onnx/hub.ts';
import { type Dtype, dtypesOf, modelConfig, modelJson, onnxFiles } from '../backends/onnx/model.ts';
import { cacheFolder, noteRevision, type PullProgress, pullFiles } from '../backends/onnx/pull.ts';
import { Exit, SluiceError } from '../errors.ts';
import { table } from './table.ts';
import { bytes, plural } from './words.ts';

export interface ModelsArguments {
  action: 'list' | 'show' | 'pull';
  model?: string;
  modelDir?: string;
  json: boolean;
  revision: string;
  dtype: Dtype;
}

/** `sluice models`. @throws {SluiceError} USAGE, MODEL_…, HUB_… */
export async function models(args: ModelsArguments): Promise<void> {
  const { action, model } = args;
  if (action === 'list') listModels(args);
  else if (model === undefined) {
    throw new SluiceError('USAGE', `models ${action}: which model?`, {
      next: `sluice models ${action} owner/name`,
      exit: Exit.usage,
    });
  } else if (action === 'show') showModel({ ...args, model });
  else await pullModel({ ...args, model });
}

/** `sluice models list`: what a job with `backend: onnx` could use without asking the network. */
function listModels({ modelDir, json }: ModelsArguments): void {
  const found = [
    ...inFolder(modelDir),
    ...inCache().filter(({ id }) => modelDir === undefined || !existsSync(join(modelDir, id))),
  ].map(({ id, folder }) => summary(id, folder));
  if (json) process.stdout.write(`${JSON.stringify(found, null, 2)}\n`);
  else if (found.length === 0) {
    const places = [modelDir, hubCache(process.env)].filter((place) => place !== undefined);
    process.stdout.write(
      `No models in ${places.join(' or ')}; \`sluice models pull owner/name\` fetches one.\n`,
    );
  } else {
    const rows = found.map(({ model, tasks, dtypes, size }) => [
      model,
      tasks.join(', '),
      dtypes.join(', '),
      bytes(size),
    ]);
    process.stdout.write(`${table(['model', 'tasks', 'dtypes', 'size'], rows)}\n`);
  }
}

/** `sluice models show`: what is known of one model. @throws {SluiceError} MODEL_… */
function showModel({ model, modelDir, json }: ModelsArguments & { model: string }): void {
  const folder = findModel(model, modelDir, process.env);
  const config = modelConfig(folder);
  const labels = Object.values((config.id2label ?? {}) as Record<string, string>);
  const facts = {
    ...summary(model, folder),
    architecture: (config.architectures as string[] | undefined)?.[0] ?? null,
    labels: labels.length,
    first_labels: labels.slice(0, 5),
    longest_input: modelJson(folder, 'tokenizer_config.json')?.model_max_length ?? null,
    weights: onnxFiles(folder),
    folder,
  };
  if (json) process.stdout.write(`${JSON.stringify(facts, null, 2)}\n`);
  else {
    const rows = Object.entries(facts).map(([name, value]) => [
      name.replaceAll('_', ' '),
      name === 'size' ? bytes(value as number) : Array.isArray(value) ? value.join(', ') : value,
    ]);
    const width = Math.max(...rows.map(([name]) => String(name).length));
    for (const [name, value] of rows)
      process.stdout.write(`${String(name).padEnd(width)}  ${value === null ? 'unknown' : String(value)}\n`);
  }
}

/**
 * `sluice models pull`: fetches a model once, into the Hugging Face cache.
 * @throws {SluiceError} HUB_…, MODEL_FILE
 */
async function pullModel({ model, revision, dtype }: ModelsArguments & { model: string }): Promise<void> {
  if (isSet(process.env.HF_HUB_OFFLINE)) {
    throw new SluiceError('HUB_OFFLINE', `model ${model}: HF_HUB_OFFLINE is set, so nothing is fetched`, {
      next: 'unset HF_HUB_OFFLINE, or copy the model into the folder of backend.model_dir',
      exit: Exit.usage,
    });
  }
  const hub = hubOf(process.env);
  const found = await hubModel(hub, model, revision);
  const files = filesToPull(found, dtype);
  const folder = cacheFolder(found, process.env);
  const bar = progressBar();
  await pullFiles(hub, found, files, folder, bar.show);
  await noteRevision(folder, revision, found.commit);
  bar.end();
  const size = files.reduce((sum, file) => sum + file.bytes, 0);
  process.stdout.write(`${model}: ${plural(files.length, 'file')}, ${bytes(size)} in ${folder}\n`);
}

function isSet(value: string | undefined): boolean {
  return value !== undefined && !['', '0', 'false', 'no', 'off'].includes(value.toLowerCase());
}

/** A line that is drawn again on a terminal; nothing elsewhere. */
function progressBar(): { show: (progress: PullProgress) => void; end: () => void } {
  if (process.stderr.isTTY !== true) return { show: () => undefined, end: () => undefined };
  let drawn = 0;
  return {
    show: ({ file, done, total }) => {
      const now = performance.now();
      if (now - drawn < 100 && done < total) return;
      drawn = now;
      const share = total === 0 ? 1 : done / total;
      const filled = Math.round(share * 24);
      const line = `${'█'.repeat(filled)}${'░'.repeat(24 - filled)} ${bytes(done)} of ${bytes(total)}  ${file}`;
      process.stderr.write(`\r\u001b[2K${line}`);
    },
    end: () => void process.stderr.write('\r\u001b[2K'),
  };
}

function summary(model: string, folder: string) {
  const files = onnxFiles(folder);
  return {
    model,
    tasks: tasksOf(modelConfig(folder)),
    dtypes: dtypesOf(files),
    size: files.reduce((sum, file) => sum + statSync(join(folder, file)).size, 0),
  };
}

/** Models of a folder with owner/name below it. */
function inFolder(modelDir: string | undefined): { id: string; folder: string }[] {
  if (modelDir === undefined) return [];
  if (!existsSync(modelDir))
    throw new SluiceError('MODEL_NOT_FOUND', `model directory ${modelDir}: there is no such folder`);
  return foldersIn(modelDir).flatMap((owner) =>
    foldersIn(join(modelDir, owner))
      .map((name) => ({ id: `${owner}/${name}`, folder: join(modelDir, owner, name) }))
      .filter(isModel),
  );
}

function inCache(): { id: string; folder: string }[] {
  const cache = hubCache(process.env);
  if (!existsSync(cache)) return [];
  return foldersIn(cache)
    .filter((name) => name.startsWith('models--'))
    .flatMap((name) => {
      const id = name.slice('models--'.length).replace('--', '/');
      const folder = cachedModel(id, process.env);
      return folder === undefined ? [] : [{ id, folder }];
    })
    .filter(isModel);
}

function isModel({ folder }: { folder: string }): boolean {
  return existsSync(join(folder, 'config.json')) && onnxFiles(folder).length > 0;
}

function foldersIn(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .sort();
}
