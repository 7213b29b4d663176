import { describe, expect, test } from 'vitest';
import { CsvScanner, type Dialect } from '../../src/sources/csv-scanner.ts';
import { memoryBytes } from './kit.ts';

const byte = (sign: string) => sign.charCodeAt(0);

const PLAIN: Dialect = {
  delimiter: byte(','),
  quote: byte('"'),
  escapeBy: byte('"'),
  comment: undefined,
  lineEnd: 10,
  blankRecords: false,
};

type Found = string[] | { line: number; problem: string };

function records(
  content: string,
  dialect: Partial<Dialect> = {},
  chunk?: number,
  maxBytes?: number,
): Found[] {
  const scanner = new CsvScanner(
    memoryBytes(content, chunk),
    { ...PLAIN, ...dialect },
    { offset: 0, line: 1 },
    maxBytes,
  );
  const found: Found[] = [];
  while (scanner.next()) {
    const { line, problem } = scanner;
    if (problem) found.push({ line, problem });
    else found.push(Array.from({ length: scanner.fields }, (_, i) => scanner.field(i).toString()));
  }
  return found;
}

describe('fields', () => {
  test.each<[string, string, Found[]]>([
    [
      'plain',
      'a,b\n1,2\n',
      [
        ['a', 'b'],
        ['1', '2'],
      ],
    ],
    [
      'no line end at the end',
      'a,b\n1,2',
      [
        ['a', 'b'],
        ['1', '2'],
      ],
    ],
    [
      'CRLF',
      'a,b\r\n1,2\r\n',
      [
        ['a', 'b'],
        ['1', '2'],
      ],
    ],
    [
      'LF and CRLF mixed',
      'a,b\n1,2\r\n3,4\n',
      [
        ['a', 'b'],
        ['1', '2'],
        ['3', '4'],
      ],
    ],
    [
      'empty ones',
      ',\n,,\n',
      [
        ['', ''],
        ['', '', ''],
      ],
    ],
    ['quotes', '"a","b,c"\n', [['a', 'b,c']]],
    ['doubled quotes', '"a ""b"" c",""""\n', [['a "b" c', '"']]],
    [
      'a line end in quotes',
      '"a\nb\r\nc",d\r\ne,f',
      [
        ['a\nb\r\nc', 'd'],
        ['e', 'f'],
      ],
    ],
    ['empty quotes', '"",x\n""\n', [['', 'x'], ['']]],
    ['a quote within text', 'a"b,c\n', [['a"b', 'c']]],
    ['spaces around quotes', 'a, "b" ,c\n', [['a', 'b', 'c']]],
    ['spaces around text', ' a , b \n', [[' a ', ' b ']]],
    [
      'blank lines',
      'a,b\n\n\r\n1,2\n\n',
      [
        ['a', 'b'],
        ['1', '2'],
      ],
    ],
    ['a byte order mark', '\ufeff"a",b\n', [['a', 'b']]],
    ['a CR within text', 'a\rb,c\n', [['a\rb', 'c']]],
    ['a zero byte', 'a\0b,c\n', [['a\0b', 'c']]],
  ])('%s', (_, content, expected) => {
    expect(records(content)).toEqual(expected);
  });

  test('short reads change nothing', () => {
    const content = '\ufeffa,"b\r\nc",d\r\n"x ""y""", "z",\r\n"torn\n1,2,"3"\r\n"e';
    for (let chunk = 3; chunk < 12; chunk++) expect(records(content, {}, chunk)).toEqual(records(content));
  });

  test('an escape sign before a quote or itself goes, before anything else it stays', () => {
    const dialect = { escapeBy: byte('\\') };
    expect(records('"a \\"b\\" \\\\ \\n",c\n"\\\\","d"\n', dialect)).toEqual([
      ['a "b" \\ \\n', 'c'],
      ['\\', 'd'],
    ]);
  });

  test('without quoting a quote is text', () => {
    expect(records('"a,b"\n', { quote: undefined, escapeBy: undefined })).toEqual([['"a', 'b"']]);
  });

  test('without a delimiter a line is a field, and an empty one is a record', () => {
    expect(records('a,b\n\n"c,d"\n', { delimiter: undefined, blankRecords: true })).toEqual([
      ['a,b'],
      [''],
      ['c,d'],
    ]);
  });

  test('a CR ends a line where there is no LF', () => {
    expect(records('a,b\r"1",2\r', { lineEnd: 13 })).toEqual([
      ['a', 'b'],
      ['1', '2'],
    ]);
  });

  test('comments are no records, whatever is in them', () => {
    expect(records('# it\'s "so\na,b\n#\n1,"#2"\n', { comment: byte('#') })).toEqual([
      ['a', 'b'],
      ['1', '#2'],
    ]);
  });
});

describe('broken quoting', () => {
  test("an open quote is its line's error, and the next line goes on", () => {
    expect(records('a,b\n1,"x\n2,y\n3,z')).toEqual([
      ['a', 'b'],
      { line: 2, problem: 'a quote is never closed' },
      ['2', 'y'],
      ['3', 'z'],
    ]);
  });

  test("text after a closing quote is its line's error, and the next line goes on", () => {
    expect(records('1,"x"y\n2,"z"\n')).toEqual([
      { line: 1, problem: 'text after a closing quote' },
      ['2', 'z'],
    ]);
    expect(records('1,"x\n2,"y"\n3,z\n')).toEqual([
      { line: 1, problem: 'text after a closing quote' },
      ['2', 'y'],
      ['3', 'z'],
    ]);
  });

  test('an open quote does not read a whole file into memory', () => {
    const rest = '1,2\n'.repeat(1_000_000);
    const found = records(`"${rest}`, {}, undefined, 2_000_000);
    expect(found[0]).toEqual({ line: 1, problem: 'a quote is never closed' });
    expect(found).toHaveLength(1_000_000);
  });

  test('a line that is too long is an error of its own', () => {
    expect(records(`a,b\n${'x'.repeat(5_000_000)}\n1,2`, {}, undefined, 2_000_000)).toEqual([
      ['a', 'b'],
      { line: 2, problem: 'longer than 2000000 bytes' },
      ['1', '2'],
    ]);
  });
});

test('each record knows its place and its line', () => {
  const content = 'a,b\n"x\ny",1\n\n2,3\n';
  const scanner = new CsvScanner(memoryBytes(content), PLAIN);
  const places: [number, number][] = [];
  for (let { offset } = scanner.position; scanner.next(); { offset } = scanner.position) {
    places.push([scanner.line, offset]);
  }
  // The place of a record may be that of the empty lines before it.
  expect(places).toEqual([
    [1, 0],
    [2, 4],
    [5, 12],
  ]);
});
