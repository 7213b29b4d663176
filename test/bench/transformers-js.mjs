// transformers.js as a plain user calls it, with its own settings: all cores for each call.
// transformers-js.mjs FOLDER MODEL DTYPE TASK TEXTS BATCH
import { readFileSync } from 'node:fs';
import { env, pipeline } from '@huggingface/transformers';

const [, , folder, model, dtype, task, file, batch] = process.argv;
const texts = JSON.parse(readFileSync(file, 'utf8'));
env.allowRemoteModels = false;
env.localModelPath = folder;
const call = await pipeline(task, model, { dtype });
const options = task === 'feature-extraction' ? { pooling: 'mean', normalize: true } : {};
await call(texts[0], options);
const [cpu, began] = [process.cpuUsage(), performance.now()];
for (let i = 0; i < texts.length; i += Number(batch)) {
  const rows = texts.slice(i, i + Number(batch));
  await call(rows.length === 1 ? rows[0] : rows, options);
}
const { user, system } = process.cpuUsage(cpu);
process.stdout.write(
  JSON.stringify({ cpuSeconds: (user + system) / 1e6, seconds: (performance.now() - began) / 1000 }),
);
