import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { afinnModel } from './afinn.ts';
import { writeModel } from './files.ts';

const folder = resolve(import.meta.dirname, '../../fixtures/models/sluice/afinn-sentiment');

test('the shipped model is what its script makes (UPDATE_MODELS=1 writes it)', () => {
  const files = afinnModel();
  if (process.env.UPDATE_MODELS === '1') writeModel(folder, files);
  for (const [name, content] of Object.entries(files))
    expect(readFileSync(join(folder, name)).equals(Buffer.from(content)), name).toBe(true);
});
