import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';

const src = resolve(import.meta.dirname, '../src');

/** For each room, the rooms whose code it may use. Types of `spec/job.ts` are words that everybody shares. */
const mayImport: Record<string, readonly string[]> = {
  arrow: [],
  duckdb: ['arrow'],
  storage: [],
  sources: ['arrow', 'duckdb', 'storage'],
  mapping: ['arrow'],
  writers: ['arrow', 'duckdb', 'storage'],
  spec: [],
  tasks: ['spec'],
  backends: ['tasks', 'spec'],
  scheduler: ['backends', 'tasks', 'spec'],
  runs: [
    'scheduler',
    'backends',
    'tasks',
    'spec',
    'sources',
    'mapping',
    'writers',
    'storage',
    'arrow',
    'duckdb',
  ],
  emulator: ['tasks'],
  cli: [
    'runs',
    'scheduler',
    'backends',
    'tasks',
    'spec',
    'sources',
    'mapping',
    'storage',
    'arrow',
    'duckdb',
    'emulator',
  ],
};

/** Small files that know nothing of any room. */
const shared = ['errors.ts', 'nearest.ts', 'package-folder.ts', 'version.ts'];

interface Import {
  file: string;
  room: string;
  target: string;
  typeOnly: boolean;
}

const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
const imports: Import[] = files.flatMap((file) => {
  const text = readFileSync(join(src, file), 'utf8');
  const found = text.matchAll(
    /(?:^|\n)(?:import|export)\s+(type\s)?[^;]*?from\s+'(\.[^']+)'|import\('(\.[^']+)'\)/g,
  );
  return [...found].map((match) => ({
    file,
    room: roomOf(file),
    target: relative(src, resolve(src, dirname(file), (match[2] ?? match[3])!)),
    typeOnly: match[1] !== undefined,
  }));
});

function roomOf(file: string): string {
  return file.includes('/') ? file.slice(0, file.indexOf('/')) : file;
}

describe('the rooms of src/', () => {
  test('every file is in a room that has a place in the order', () => {
    const rooms = new Set(files.map(roomOf));
    for (const file of shared) rooms.delete(file);
    expect([...rooms].filter((room) => mayImport[room] === undefined)).toEqual([]);
    expect(imports.length).toBeGreaterThan(20);
  });

  test('imports point one way', () => {
    const wrong = imports.filter(({ room, target, typeOnly }) => {
      const other = roomOf(target);
      if (other === room || shared.includes(target)) return false;
      if (typeOnly && target === 'spec/job.ts') return false;
      return !mayImport[room]?.includes(other);
    });
    expect(wrong.map(({ file, target }) => `${file} → ${target}`)).toEqual([]);
  });

  test('no two files import each other, however long the way round', () => {
    const graph = new Map<string, string[]>();
    for (const { file, target } of imports) graph.set(file, [...(graph.get(file) ?? []), target]);
    const state = new Map<string, 'open' | 'done'>();
    const walk = (file: string, path: readonly string[]): string[] | undefined => {
      if (state.get(file) === 'done') return undefined;
      if (state.get(file) === 'open') return [...path.slice(path.indexOf(file)), file];
      state.set(file, 'open');
      for (const next of graph.get(file) ?? []) {
        const cycle = walk(next, [...path, file]);
        if (cycle !== undefined) return cycle;
      }
      state.set(file, 'done');
      return undefined;
    };
    for (const file of files) expect(walk(file, [])).toBeUndefined();
  });

  test('nothing outside cli/ prints or ends the process', () => {
    const talkers = files.filter(
      (file) =>
        !file.startsWith('cli/') &&
        /console\.\w+\(|process\.(stdout|stderr)\.write|process\.exit\(/.test(
          readFileSync(join(src, file), 'utf8'),
        ),
    );
    expect(talkers).toEqual([]);
  });
});
