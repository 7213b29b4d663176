// ONNX Runtime and nothing else: runs batches that are tokenised, sorted and packed already, and says what that took.
// ort-alone.mjs MODEL BATCHES OUTPUT, where BATCHES is a JSON file with lists of lists of token ids.
import { readFileSync } from 'node:fs';
import { InferenceSession, Tensor } from 'onnxruntime-node';

const [, , model, file, output] = process.argv;
const batches = JSON.parse(readFileSync(file, 'utf8'));
const session = await InferenceSession.create(model, {
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
  logSeverityLevel: 3,
  extra: { session: { intra_op: { allow_spinning: '0' } } },
});
const feeds = batches.map((rows) => {
  const length = Math.max(...rows.map((ids) => ids.length));
  const ids = new BigInt64Array(rows.length * length);
  const mask = new BigInt64Array(rows.length * length);
  for (const [i, row] of rows.entries()) {
    ids.set(row.map(BigInt), i * length);
    mask.fill(1n, i * length, i * length + row.length);
  }
  const dims = [rows.length, length];
  return { input_ids: new Tensor('int64', ids, dims), attention_mask: new Tensor('int64', mask, dims) };
});
// Warm: the first runs allocate.
for (const feed of feeds.slice(0, 20)) await session.run(feed, [output]);
const [cpu, began] = [process.cpuUsage(), performance.now()];
for (const feed of feeds) await session.run(feed, [output]);
const { user, system } = process.cpuUsage(cpu);
process.stdout.write(
  JSON.stringify({ cpuSeconds: (user + system) / 1e6, seconds: (performance.now() - began) / 1000 }),
);
