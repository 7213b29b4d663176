// Loaded into a run by `node --import`: counts what it does to files below SLUICE_TEST_OUT and ends the process with
// SIGKILL at a chosen one. The program itself knows nothing of it.
//
//   SLUICE_TEST_KILL   `name#n:when`: the n-th operation of that name (from 1); `before` it, in its `middle` (half of
//                      the bytes are written), or `after` it; with `ENOSPC`, `EIO` or `EROFS` it fails so, from the
//                      n-th time on, and nothing is killed; with `suspended` the process is sent SIGSTOP before it
//   SLUICE_TEST_LOG    file to which the name of every operation is appended
//
// A name is the operation and the path with its numbers left out: `rename _sluice/shards/N.json`.
import fs from 'node:fs';
import fsPromises from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { relative, resolve } from 'node:path';

const out = resolve(process.env.SLUICE_TEST_OUT ?? '.');
const log = process.env.SLUICE_TEST_LOG;
const [, target, number, when] = /^(.*)#(\d+):(\w+)$/.exec(process.env.SLUICE_TEST_KILL ?? '') ?? [];
const counts = new Map();
const paths = new WeakMap();
const appendLog = fs.appendFileSync;
const writeSync = fs.writeSync;

function nameOf(operation, path) {
  const below = relative(out, resolve(String(path)));
  if (below.startsWith('..')) return undefined;
  const place = below
    .replace(/\.[0-9a-f]{8}-[0-9a-f-]{27}$/, '.draft')
    .replace(/\.\d+-\d+\.tmp$/, '.tmp')
    .replace(/\d{5}/, 'N')
    .replace(/^part-N\..*/, 'part-N');
  return `${operation} ${place === '' ? '.' : place}`;
}

/** Does the operation, unless it is the one at which to die. */
async function pass(operation, path, work, halfway) {
  const name = path === undefined ? undefined : nameOf(operation, path);
  if (name === undefined) return work();
  const count = (counts.get(name) ?? 0) + 1;
  counts.set(name, count);
  if (log !== undefined) appendLog(log, `${name}\n`);
  if (/^E[A-Z]+$/.test(when ?? '') && name === target && count >= Number(number)) {
    throw Object.assign(new Error(`${when}: ${operation} '${path}'`), { code: when, path });
  }
  const dies = name === target && count === Number(number);
  if (dies && when === 'before') process.kill(process.pid, 'SIGKILL');
  if (dies && when === 'suspended') process.kill(process.pid, 'SIGSTOP');
  if (dies && when === 'middle') {
    halfway?.();
    process.kill(process.pid, 'SIGKILL');
  }
  const result = await work();
  if (dies && when === 'after') process.kill(process.pid, 'SIGKILL');
  return result;
}

const { open } = fsPromises;
const some = await open(new URL(import.meta.url).pathname, 'r');
const handles = Object.getPrototypeOf(some);
await some.close();

fsPromises.open = async (path, ...rest) => {
  const handle = await open(path, ...rest);
  paths.set(handle, path);
  return handle;
};
for (const operation of ['rename', 'link']) {
  const original = fsPromises[operation];
  fsPromises[operation] = (from, to) => pass(operation, to, () => original(from, to));
}
for (const operation of ['rm', 'writeFile', 'mkdir']) {
  const original = fsPromises[operation];
  fsPromises[operation] = (path, ...rest) => pass(operation, path, () => original(path, ...rest));
}
for (const operation of ['sync', 'datasync', 'truncate']) {
  const original = handles[operation];
  handles[operation] = function (...rest) {
    return pass(operation, paths.get(this), () => original.apply(this, rest));
  };
}
for (const operation of ['write', 'writeFile', 'appendFile']) {
  const original = handles[operation];
  handles[operation] = function (bytes, ...rest) {
    const half = () => {
      const whole = Buffer.from(bytes);
      const [offset, length] = operation === 'write' ? rest : [0, whole.length];
      writeSync(this.fd, whole, offset ?? 0, Math.floor((length ?? whole.length) / 2));
    };
    return pass('write', paths.get(this), () => original.call(this, bytes, ...rest), half);
  };
}
syncBuiltinESMExports();
