import stringWidth from 'string-width';
import { describe, expect, test } from 'vitest';
import { shown } from '../../src/cli/shown.ts';
import { cut, fitted, table } from '../../src/cli/table.ts';

const png = new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, ...new Array(1192).fill(0)]);

describe('a value in a table', () => {
  test.each([
    ['text with\nlines and \x1b[31mcolour', 'text with lines and  [31mcolour'],
    ['right\u202eleft', 'right left'],
    [png, '<image/png, 1.2 kB>'],
    [new Uint8Array([1, 2, 3]), '<bytes, 3 B>'],
    [[{ mask: Buffer.from(png) }], '[{"mask":"<image/png, 1.2 kB>"}]'],
    [{ bytes: png, path: 'a.png' }, '{"bytes":"<image/png, 1.2 kB>","path":"a.png"}'],
    [0.123456, '0.1235'],
    [12345678901234567890n, '12345678901234567890'],
    [[{ label: 'A', score: 0.999999 }], '[{"label":"A","score":1}]'],
    [Array.from({ length: 384 }, (_, i) => i / 7), '[0, 0.1429, 0.2857, … 384 numbers]'],
    [new Float32Array([0.5, 0.25]), '[0.5, 0.25]'],
    [null, ''],
  ])('%# is shown in one line, without what could move the cursor', (value, text) => {
    expect(shown(value)).toBe(text);
  });

  test('is cut between what a terminal shows in one place', () => {
    expect(cut('日本語日本語', 7)).toBe('日本語…');
    expect(cut('ab👩‍👩‍👧cd', 4)).toBe('ab…');
  });
});

describe('rows for a terminal', () => {
  const rows = [
    [1, 'x'.repeat(200), 'POSITIVE', 'y'.repeat(90)],
    [2, 'short', 'NEGATIVE', ''],
  ];

  test.each([200, 120, 80, 60])('fit into %i columns, and numbers and labels stay whole', (width) => {
    const text = fitted(['row', 'text', 'label', 'predictions'], rows, width);
    for (const line of text.split('\n')) expect(stringWidth(line)).toBeLessThanOrEqual(width);
    expect(text).toContain('POSITIVE');
  });

  test('of more columns than fit are blocks of lines', () => {
    const head = Array.from({ length: 20 }, (_, i) => `column ${i}`);
    const text = fitted(head, [head.map((name) => `${name} ${'z'.repeat(80)}`)], 60);
    expect(text.split('\n')).toHaveLength(20);
    for (const line of text.split('\n')) expect(stringWidth(line)).toBeLessThanOrEqual(60);
  });

  test('none: the head alone', () => {
    expect(table(['a', 'b'], [])).toBe('a  b\n─  ─');
  });
});
