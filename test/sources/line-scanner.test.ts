import { describe, expect, test } from 'vitest';
import { countRecords } from '../../src/sources/count.ts';
import { LineScanner } from '../../src/sources/line-scanner.ts';
import { memoryBytes } from './kit.ts';

function lines(content: string | Uint8Array, chunk?: number): [number, string][] {
  const scanner = new LineScanner(memoryBytes(content, chunk));
  const found: [number, string][] = [];
  while (scanner.next()) {
    found.push([scanner.line, scanner.window.bytes.toString('utf8', scanner.start, scanner.end)]);
  }
  return found;
}

describe('what a line is', () => {
  test.each<[string, string, [number, string][]]>([
    [
      'LF ends it',
      'a\nb\n',
      [
        [1, 'a'],
        [2, 'b'],
      ],
    ],
    [
      'CRLF ends it',
      'a\r\nb\r\n',
      [
        [1, 'a'],
        [2, 'b'],
      ],
    ],
    [
      'a CR alone does not',
      'a\rb\nc',
      [
        [1, 'a\rb'],
        [2, 'c'],
      ],
    ],
    ['U+2028 does not', 'a\u2028b\n', [[1, 'a\u2028b']]],
    [
      'the last one may have no end',
      'a\nb',
      [
        [1, 'a'],
        [2, 'b'],
      ],
    ],
    [
      'blank ones are none, but are counted',
      'a\n\n \t\r\nb\n\n',
      [
        [1, 'a'],
        [4, 'b'],
      ],
    ],
    ['a byte order mark is no part of it', '\ufeffa\n', [[1, 'a']]],
    ['nothing has none', '', []],
    ['an end alone has none', '\n', []],
  ])('%s', (_, content, expected) => {
    expect(lines(content)).toEqual(expected);
  });

  test('short reads change nothing', () => {
    const content = '{"a":1}\r\n\n{"b":"ü€😀"}\n{"c":3}';
    for (const chunk of [3, 4, 7, 8, 9]) expect(lines(content, chunk)).toEqual(lines(content));
  });

  test('a line longer than a read is whole', () => {
    const long = 'x'.repeat(3_500_000);
    expect(lines(`a\n${long}\nb`)).toEqual([
      [1, 'a'],
      [2, long],
      [3, 'b'],
    ]);
  });

  test('a line that is too long is passed over without being kept, and the next one goes on', () => {
    const content = `a\n${'x'.repeat(5_000_000)}\nb\n${'y'.repeat(5_000_000)}`;
    const scanner = new LineScanner(memoryBytes(content), { offset: 0, line: 1 }, 2_000_000);
    const found: unknown[] = [];
    while (scanner.next()) found.push([scanner.line, scanner.tooLong, scanner.end - scanner.start]);
    expect(found).toEqual([
      [1, false, 1],
      [2, true, 0],
      [3, false, 1],
      [4, true, 0],
    ]);
  });
});

describe('counting', () => {
  test('marks are where a reader can start, with the number of the line', async () => {
    const content = '\ufeffa\n\nbb\nccc\r\n\ndddd\ne';
    const { rows, marks } = await countRecords(new LineScanner(memoryBytes(content)), 2);
    expect(rows).toBe(5);
    expect(marks.map((mark) => mark.row)).toEqual([0, 2, 4]);
    for (const mark of marks) {
      const scanner = new LineScanner(memoryBytes(content), mark);
      scanner.next();
      expect(scanner.window.bytes.toString('utf8', scanner.start, scanner.end)).toBe(
        ['a', 'bb', 'ccc', 'dddd', 'e'][mark.row],
      );
      expect(scanner.line).toBe([1, 3, 4, 6, 7][mark.row]);
    }
  });

  test('a file without rows has no marks', async () => {
    expect(await countRecords(new LineScanner(memoryBytes('\n \n')), 10)).toEqual({ rows: 0, marks: [] });
  });
});
