import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { type Emulator, startEmulator } from '../../src/emulator/emulator.ts';
import { imageSize } from '../../src/tasks/image-size.ts';
import { scriptedServer } from '../backends/api/scripted-server.ts';
import { temporaryFolder } from '../temporary.ts';
import { sluice } from './sluice.ts';

const examples = resolve(import.meta.dirname, '../../fixtures/examples');
const png = readFileSync(join(examples, 'images/boat.png'));

interface JobParts {
  task: string;
  source: string;
  inputs: string;
  keep: string;
}

function writeJob(folder: string, { url }: Emulator, { task, source, inputs, keep }: JobParts): void {
  writeFileSync(
    join(folder, 'job.yaml'),
    `task: ${task}
model: acme/any
source: ${source}
inputs: ${inputs}
backend: {type: api, url: "${url}"}
output: {path: out, format: jsonl, keep: ${keep}, rows_per_part: 2}
`,
  );
}

function rowsOf(folder: string, parts: number): Record<string, unknown>[] {
  const texts = Array.from({ length: parts }, (_, i) =>
    readFileSync(join(folder, 'out', `part-${String(i).padStart(5, '0')}.jsonl`), 'utf8'),
  );
  return texts.flatMap((text) =>
    text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line)),
  );
}

test('a folder of images becomes rows with masks as large as the images, and is asked once', async () => {
  await using server = await emulator('image-segmentation');
  const folder = temporaryFolder();
  cpSync(join(examples, 'images'), join(folder, 'images'), { recursive: true });
  const names = ['bars.png', 'boat.png', 'sun-over-hill.png'];
  writeJob(folder, server, {
    task: 'image-segmentation',
    source: '{path: images/*.png, format: files}',
    inputs: '{image: content}',
    keep: '[path, size]',
  });
  expect(await sluice(folder, ['run', 'job.yaml'])).toMatchObject({ code: 0 });
  const rows = rowsOf(folder, 2);
  expect(rows.map(({ path }) => path)).toEqual(names.map((name) => `images/${name}`));
  for (const { segments } of rows) {
    for (const { mask } of segments as { mask: string }[]) {
      expect(imageSize(Buffer.from(mask, 'base64'))).toEqual({ width: 64, height: 48 });
    }
  }
  expect(await sluice(folder, ['run', 'job.yaml'])).toMatchObject({ code: 0 });
  expect(server.stats().requests).toBe(3);

  // What comes later is asked alone, in a part of its own.
  cpSync(join(folder, 'images/boat.png'), join(folder, 'images/a-second-boat.png'));
  expect(await sluice(folder, ['run', 'job.yaml'])).toMatchObject({ code: 0 });
  expect(server.stats().requests).toBe(4);
  expect(rowsOf(folder, 3).map(({ path }) => path)).toEqual([
    ...names.map((name) => `images/${name}`),
    'images/a-second-boat.png',
  ]);

  // A changed one changes the rows: the folder is asked again.
  writeFileSync(join(folder, 'images/boat.png'), readFileSync(join(folder, 'images/bars.png')));
  expect(await sluice(folder, ['run', 'job.yaml'])).toMatchObject({ code: 0 });
  expect(server.stats().requests).toBe(8);
  expect(rowsOf(folder, 2).map(({ path }) => path)).toEqual([
    ...names.map((name) => `images/${name}`),
    'images/a-second-boat.png',
  ]);
});

test('bytes, paths, URLs and data URLs all reach the server; what leads out or is no image fails its row', async () => {
  await using server = await emulator('image-classification');
  await using web = await scriptedServer((response, { url }) => {
    if (url === '/boat.png') response.end(png);
    else if (url === '/page.png') response.end('<!DOCTYPE html><title>Sign in</title>');
    else response.writeHead(404).end();
  });
  const outside = temporaryFolder();
  writeFileSync(join(outside, 'secret.png'), png);
  const folder = temporaryFolder();
  mkdirSync(join(folder, 'data'));
  writeFileSync(join(folder, 'data/near.png'), png);
  writeFileSync(join(folder, 'data/notes.png'), 'only a note');
  symlinkSync(join(outside, 'secret.png'), join(folder, 'data/innocent.png'));
  const images = [
    'near.png',
    'data/near.png',
    `${web.url}/boat.png`,
    `data:image/png;base64,${png.toString('base64')}`,
    'innocent.png',
    join(outside, 'secret.png'),
    '../../../../../../../../etc/hostname',
    'notes.png',
    `${web.url}/page.png`,
    `${web.url}/gone.png`,
  ];
  const lines = images.map((image, id) => JSON.stringify({ id, image }));
  writeFileSync(join(folder, 'data/rows.jsonl'), lines.join('\n'));
  writeJob(folder, server, {
    task: 'image-classification',
    source: 'data/rows.jsonl',
    inputs: '{image: image}',
    keep: '[id]',
  });
  const env = { HF_TOKEN: 'hf_secret' };
  expect(await sluice(folder, ['run', 'job.yaml'], env)).toMatchObject({ code: 0 });
  const leadsOut = expect.stringContaining('leads out of');
  expect(rowsOf(folder, 5).map(({ error }) => error)).toEqual([
    null,
    null,
    null,
    null,
    leadsOut,
    leadsOut,
    leadsOut,
    expect.stringContaining('names notes.png, which is not an image but a text'),
    expect.stringContaining('which is not an image but an HTML page'),
    expect.stringContaining('could not be fetched (404 Not Found)'),
  ]);
  expect(server.stats().requests).toBe(4);
  for (const { headers } of web.received) expect(headers).not.toHaveProperty('authorization');
});

async function emulator(task: string): Promise<Emulator & AsyncDisposable> {
  const started = await startEmulator({ task });
  return { ...started, [Symbol.asyncDispose]: () => started.close() };
}
