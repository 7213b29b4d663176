import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

interface Profile {
  nodes: { id: number; callFrame: { url: string; functionName: string } }[];
  samples: number[];
  timeDeltas: number[];
}

/** Node's options that leave a CPU profile in a folder, and the share of main-thread time by room when it is there. */
export async function profiled(run: (nodeArgs: string[]) => Promise<unknown>): Promise<Map<string, number>> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-profile-'));
  try {
    await run(['--cpu-prof', `--cpu-prof-dir=${folder}`]);
    const [name] = readdirSync(folder);
    if (name === undefined) throw new Error('Node left no CPU profile');
    return shares(JSON.parse(readFileSync(join(folder, name), 'utf8')) as Profile);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Self time by room, largest first, as a share of the time that the main thread was not idle. */
function shares({ nodes, samples, timeDeltas }: Profile): Map<string, number> {
  const rooms = new Map(
    nodes.map(({ id, callFrame }) => [id, roomOf(callFrame.url, callFrame.functionName)]),
  );
  const times = new Map<string, number>();
  let busy = 0;
  samples.forEach((id, i) => {
    const room = rooms.get(id) ?? 'other';
    if (room === 'idle') return;
    const time = timeDeltas[i] ?? 0;
    busy += time;
    times.set(room, (times.get(room) ?? 0) + time);
  });
  return new Map([...times].sort(([, a], [, b]) => b - a).map(([room, time]) => [room, time / busy]));
}

function roomOf(url: string, name: string): string {
  if (name === '(idle)' || name === '(program)' || name === '(garbage collector)') {
    return { '(idle)': 'idle', '(program)': 'native code', '(garbage collector)': 'garbage collection' }[
      name
    ];
  }
  const ours = /\/dist\/(\w+)\//.exec(url)?.[1];
  if (ours !== undefined) return `src/${ours}`;
  const library = /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1];
  return library ?? 'Node itself';
}
