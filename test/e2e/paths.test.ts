import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Emulator } from '../../src/emulator/emulator.ts';
import { temporaryFolder } from '../temporary.ts';
import { withEmulator } from './emulated.ts';
import { sluice } from './sluice.ts';

function writeJob(folder: string, { url }: Emulator, source = 'rows.csv'): void {
  writeFileSync(
    join(folder, 'job.yaml'),
    `task: text-classification
model: acme/any
source: ${source}
inputs: {text: text}
backend: {type: api, url: "${url}"}
output: {path: out, format: jsonl, keep: "*"}
`,
  );
  if (source === 'rows.csv') writeFileSync(join(folder, source), 'id,text\n1,good\n2,bad\n');
}

function namesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();
}

const strangeFolders = [
  'k=..',
  'k=.',
  'k=a%2F..%2Fb',
  'k=%2e%2e%2f%2e%2e%2fb',
  'k=%2Fetc',
  'k=a\nb',
  'k=a b',
  'k=',
  'k=%',
  'k=%00',
  'k=…',
];

test('parts stay inside output.path, whatever the partition folders of the source are called', async () => {
  await withEmulator({}, async (emulator) => {
    const folder = temporaryFolder();
    for (const partition of strangeFolders) {
      mkdirSync(join(folder, 'data', partition), { recursive: true });
      writeFileSync(
        join(folder, 'data', partition, 'rows.csv'),
        `id,text\n1,good ${partition.length}\n2,bad\n`,
      );
    }
    writeJob(folder, emulator, 'data');
    const outside = () => namesBelow(folder).filter((name) => !/^out(\/|$)/.test(name));
    const before = outside();

    expect(await sluice(folder, ['run', 'job.yaml'])).toMatchObject({ code: 0 });
    expect(outside()).toEqual(before);
    const parts = namesBelow(join(folder, 'out')).filter((name) => name.endsWith('.jsonl'));
    expect(parts).toHaveLength(strangeFolders.length);
    for (const partition of strangeFolders) {
      const part = join(folder, 'out', parts.find((name) => name.startsWith(`${partition}/part-`))!);
      expect(realpathSync(part).startsWith(`${realpathSync(join(folder, 'out'))}/`)).toBe(true);
      expect(readFileSync(part, 'utf8').trimEnd().split('\n')).toHaveLength(2);
    }
    expect(await sluice(folder, ['status', 'job.yaml', '--verify'])).toMatchObject({ code: 0 });
    expect(await sluice(folder, ['run', 'job.yaml'])).toMatchObject({ code: 0 });
    expect(emulator.stats().requests).toBe(2 * strangeFolders.length);
  });
});

describe('symbolic links', () => {
  test('an output.path that is one is used: it was named', async () => {
    await withEmulator({}, async (emulator) => {
      const [folder, elsewhere] = [temporaryFolder(), temporaryFolder()];
      writeJob(folder, emulator);
      symlinkSync(elsewhere, join(folder, 'out'));
      expect(await sluice(folder, ['run', 'job.yaml'])).toMatchObject({ code: 0 });
      expect(existsSync(join(elsewhere, 'part-00000.jsonl'))).toBe(true);
      expect(await sluice(folder, ['run', 'job.yaml'])).toMatchObject({ code: 0 });
      expect(emulator.stats().requests).toBe(2);
    });
  });

  test.each(['_sluice', '_sluice/journal', '_sluice/shards', '_sluice/errors'])(
    'one in place of %s is refused before anything is written or removed there: exit 3',
    async (name) => {
      await withEmulator({}, async (emulator) => {
        const [folder, elsewhere] = [temporaryFolder(), temporaryFolder()];
        writeJob(folder, emulator);
        mkdirSync(join(folder, 'out', name, '..'), { recursive: true });
        writeFileSync(join(elsewhere, '00000.journal'), 'of somebody else');
        symlinkSync(elsewhere, join(folder, 'out', name));
        for (const more of [[], ['--fresh']]) {
          const result = await sluice(folder, ['run', 'job.yaml', ...more]);
          expect(result.code).toBe(3);
          expect(result.stderr).toMatch(new RegExp(`out/${name}: .*symbolic link`));
        }
        expect(namesBelow(elsewhere)).toEqual(['00000.journal']);
        expect(emulator.stats().requests).toBe(0);
      });
    },
    20_000,
  );

  test('a partition folder of the output that is one is refused: its part would be written elsewhere', async () => {
    await withEmulator({}, async (emulator) => {
      const [folder, elsewhere] = [temporaryFolder(), temporaryFolder()];
      mkdirSync(join(folder, 'data/k=1'), { recursive: true });
      writeFileSync(join(folder, 'data/k=1/rows.csv'), 'id,text\n1,good\n2,bad\n');
      writeJob(folder, emulator, 'data');
      mkdirSync(join(folder, 'out'));
      symlinkSync(elsewhere, join(folder, 'out/k=1'));
      const result = await sluice(folder, ['run', 'job.yaml']);
      expect(result.code).toBe(3);
      expect(result.stderr).toContain('k=1');
      expect(namesBelow(elsewhere)).toEqual([]);
    });
  });

  test('one in place of a part is replaced, not followed', async () => {
    await withEmulator({}, async (emulator) => {
      const [folder, elsewhere] = [temporaryFolder(), temporaryFolder()];
      writeJob(folder, emulator);
      expect(await sluice(folder, ['run', 'job.yaml'])).toMatchObject({ code: 0 });
      const [part, precious] = [join(folder, 'out/part-00000.jsonl'), join(elsewhere, 'precious')];
      writeFileSync(precious, 'precious');
      writeFileSync(join(folder, 'rows.csv'), 'id,text\n1,good\n2,bad\n3,new\n');
      rmSync(part);
      symlinkSync(precious, part);
      expect(await sluice(folder, ['run', 'job.yaml'])).toMatchObject({ code: 0 });
      expect(lstatSync(part).isFile()).toBe(true);
      expect(readFileSync(part, 'utf8')).toContain('new');
      expect(readFileSync(precious, 'utf8')).toBe('precious');
    });
  });
});
