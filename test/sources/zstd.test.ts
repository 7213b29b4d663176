import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { quoteLiteral } from '../../src/duckdb/quote.ts';
import { openedHere, read } from './kit.ts';

const { engine, folder } = await openedHere();

/** Rows as JSONL in zstd, as the JSONL writer makes it. */
async function packed(name: string, rows: number): Promise<string> {
  const path = folder.write(name, '');
  const source = `SELECT i AS id, 'text ' || i AS text FROM range(${rows}) t(i)`;
  await engine.run(`COPY (${source}) TO ${quoteLiteral(path)} (FORMAT json, COMPRESSION zstd)`);
  return path;
}

describe('a text in zstd, as sluice writes it, too', () => {
  test('is read as the text that it holds', async () => {
    const { rows, columns } = await read(engine, await packed('a.jsonl.zst', 50_000), {}, 7000);
    expect(columns).toEqual(['id BIGINT', 'text VARCHAR']);
    expect(rows).toHaveLength(50_000);
    expect(rows[49_999]).toEqual({ id: 49_999n, text: 'text 49999' });
  });

  test('may be several frames, one after the other', async () => {
    const bytes = readFileSync(await packed('one.jsonl.zst', 3));
    const { rows } = await read(engine, folder.write('two.jsonl.zst', Buffer.concat([bytes, bytes])));
    expect(rows.map(({ id }) => id)).toEqual([0n, 1n, 2n, 0n, 1n, 2n]);
  });

  test('that is cut off anywhere is an error, not a shorter table', async () => {
    const path = await packed('cut.jsonl.zst', 1000);
    const bytes = readFileSync(path);
    for (const length of [5, 20, bytes.length >> 1, bytes.length - 1]) {
      writeFileSync(path, bytes.subarray(0, length));
      await expect(read(engine, path), String(length)).rejects.toMatchObject({
        code: 'SOURCE_CORRUPT',
        message: expect.stringMatching(/cut\.jsonl\.zst \(broken zstd: /),
      });
    }
  });

  test('by name alone is an error that says so', async () => {
    await expect(read(engine, folder.write('plain.csv.zst', 'id,text\n1,a\n'))).rejects.toMatchObject({
      message: expect.stringMatching(/named \.zst but looks like text/),
      next: expect.stringMatching(/Remove \.zst/),
    });
  });
});
