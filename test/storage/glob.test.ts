import { describe, expect, test } from 'vitest';
import { expandBraces, isHidden, segmentsOf } from '../../src/storage/glob.ts';

/** Whether a one-level pattern matches a name. */
function matches(pattern: string, name: string): boolean {
  const [segment] = segmentsOf(pattern);
  if (!segment || 'anyDepth' in segment) throw new Error(`no single level: ${pattern}`);
  return 'literal' in segment ? segment.literal === name : segment.matches(name);
}

describe('wildcards', () => {
  test.each([
    ['*.csv', 'a.csv', true],
    ['*.csv', 'a.csv.gz', false],
    ['part-?.csv', 'part-1.csv', true],
    ['part-?.csv', 'part-10.csv', false],
    ['part-?.csv', 'part-é.csv', true],
    ['part-?.csv', 'part-😀.csv', true],
    ['[a-c]1', 'b1', true],
    ['[a-c]1', 'd1', false],
    ['[!a-c]1', 'd1', true],
    ['[^a-c]1', 'a1', false],
    ['[]x]1', ']1', true],
    ['[.]a*', '.ab', false],
    ['a[b', 'a[b', true],
    ['a*[b', 'axx[b', true],
    ['data (1)+!@*.csv', 'data (1)+!@.csv', true],
    ['a\\*', 'a*', true],
    ['a\\*', 'ab', false],
    ['a*', 'a\nb', true],
    ['[a&&b]*', '&x', true],
    ['[z-a]', '[z-a]', true],
    ['[a\\]*', '\\x', true],
  ])('%s and %j: %s', (pattern, name, expected) => {
    expect(matches(pattern, name)).toBe(expected);
  });

  test('names that are no data are matched only by a pattern that begins like them', () => {
    expect(matches('*', '_SUCCESS')).toBe(false);
    expect(matches('*', '.part.crc')).toBe(false);
    expect(matches('_*', '_SUCCESS')).toBe(true);
    expect(matches('.*', '.part.crc')).toBe(true);
  });

  test('a Hive partition whose name begins with an underscore is data', () => {
    expect(isHidden('_day=1')).toBe(false);
    expect(isHidden('_temporary')).toBe(true);
  });
});

describe('braces', () => {
  test.each([
    ['a.{csv,tsv}', ['a.csv', 'a.tsv']],
    ['{a,b/{c,d}}/x', ['a/x', 'b/c/x', 'b/d/x']],
    ['x{,.gz}', ['x', 'x.gz']],
    ['{a}', ['{a}']],
    ['a{b', ['a{b']],
    ['{a}{b,c}', ['{a}b', '{a}c']],
    ['\\{a,b}', ['\\{a,b}']],
    ['plain', ['plain']],
  ])('%s', (pattern, expected) => {
    expect(expandBraces(pattern)).toEqual(expected);
  });
});
