import { resolve } from 'node:path';
import { Engine } from '../../src/duckdb/engine.ts';
import { quoteLiteral } from '../../src/duckdb/quote.ts';
import { noise } from '../../src/tasks/hash.ts';

const moby = resolve(import.meta.dirname, '../../fixtures/quickstart/moby-dick.parquet');

/** Lengths of texts as tables of prose have them, in characters: half are below the first, nine of ten below the second. */
const lengths = { median: 100, p90: 625, most: 7_110, least: 10 };
/** Standard deviations of a normal distribution below which nine of ten lie. */
const nineOfTen = 1.2816;

/** All the words of the shipped novel, in its order. */
export async function wordsOfMobyDick(): Promise<string[]> {
  const engine = await Engine.open();
  try {
    const rows = await engine.rows(
      `SELECT text FROM read_parquet(${quoteLiteral(moby)}) ORDER BY chapter, sentence`,
    );
    return rows.flatMap(({ text }) => String(text).split(/\s+/)).filter((word) => word !== '');
  } finally {
    await engine.close();
  }
}

/**
 * Texts of mixed lengths in no order: passages of the novel, log-normally long. The same ones every time.
 */
export function passages(words: readonly string[], count: number): string[] {
  const next = noise(1851);
  return Array.from({ length: count }, () => {
    // The sum of twelve is as good as normal.
    let normal = -6;
    for (let i = 0; i < 12; i++) normal += next();
    const spread = Math.log(lengths.p90 / lengths.median) / nineOfTen;
    const length = Math.min(
      lengths.most,
      Math.max(lengths.least, lengths.median * Math.exp(spread * normal)),
    );
    let text = '';
    for (let at = Math.floor(next() * words.length); text.length < length; at = (at + 1) % words.length)
      text += (text === '' ? '' : ' ') + words[at]!;
    return text;
  });
}

/** The words of a text, lower-cased and without signs, most frequent first. */
export function vocabularyOf(words: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const word of words)
    for (const plain of word.toLowerCase().match(/\p{L}+/gu) ?? [])
      counts.set(plain, (counts.get(plain) ?? 0) + 1);
  return [...counts].sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1)).map(([word]) => word);
}
