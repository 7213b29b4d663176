// Loaded before a measured run: what JavaScript holds in the program, and the resident memory of the program and of its
// workers, in MB, each time that a shard was committed. What nothing holds any more is collected before each look.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';

const records = 'out/_sluice/shards';
const looks = [];

setInterval(() => {
  const shards = existsSync(records) ? readdirSync(records).length : 0;
  if (shards === (looks.at(-1)?.shards ?? 0)) return;
  globalThis.gc();
  const workers = readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').split(' ').filter(Boolean);
  const { heapUsed, external } = process.memoryUsage();
  looks.push({ shards, mb: [(heapUsed + external) / 2 ** 20, ...['self', ...workers].map(residentMb)] });
}, 20).unref();

process.on('exit', () => writeFileSync('looks.json', JSON.stringify(looks)));

/** 0 for a process that has ended. */
function residentMb(pid) {
  try {
    const [, kb = 0] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    return kb / 1024;
  } catch (error) {
    if (error.code === 'ENOENT' || error.code === 'ESRCH') return 0;
    throw error;
  }
}
