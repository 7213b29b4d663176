import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { countingStorage, openedHere, read, withDataset } from './kit.ts';

const { engine, folder } = await openedHere();

async function jsonl(...lines: string[]) {
  return read(engine, folder.write('t.jsonl', `${lines.join('\n')}\n`));
}

describe('types', () => {
  test.each<[string, string[], string, unknown[]]>([
    ['small integers', ['{"a":1}', '{"a":-2}'], 'BIGINT', [1n, -2n]],
    ['integers beyond 2^53', ['{"a":9007199254740993}'], 'BIGINT', [9007199254740993n]],
    [
      'the ends of BIGINT',
      ['{"a":9223372036854775807}', '{"a":-9223372036854775808}'],
      'BIGINT',
      [2n ** 63n - 1n, -(2n ** 63n)],
    ],
    [
      'integers beyond BIGINT',
      ['{"a":18446744073709551616}', '{"a":-5}'],
      'HUGEINT',
      [18446744073709551616n, -5n],
    ],
    ['integers beyond HUGEINT', [`{"a":1${'0'.repeat(40)}}`], 'VARCHAR', [`1${'0'.repeat(40)}`]],
    ['integers and fractions', ['{"a":1}', '{"a":2.5}'], 'DOUBLE', [1, 2.5]],
    ['booleans', ['{"a":true}', '{"a":null}'], 'BOOLEAN', [true, null]],
    ['texts that look like dates', ['{"a":"2020-01-01"}'], 'VARCHAR', ['2020-01-01']],
    ['texts and numbers', ['{"a":"x"}', '{"a":5}', '{"a":{"b":1}}'], 'VARCHAR', ['x', '5', '{"b":1}']],
    ['numbers and objects', ['{"a":1}', '{"a":{"b":1}}'], 'JSON', ['1', '{"b":1}']],
    ['lists of lists', ['{"a":[[1],[]]}', '{"a":null}'], 'BIGINT[][]', [[[1n], []], null]],
    ['lists of both', ['{"a":[1,"x"]}', '{"a":[]}'], 'JSON[]', [['1', '"x"'], []]],
    [
      'objects with other keys',
      ['{"a":{"b":1}}', '{"a":{"c":"x"}}', '{"a":{}}'],
      'STRUCT("b" BIGINT, "c" VARCHAR)',
      [
        { b: 1n, c: null },
        { b: null, c: 'x' },
        { b: null, c: null },
      ],
    ],
    ['objects whose keys differ by case', ['{"a":{"b":1,"B":2}}'], 'JSON', ['{"b":1,"B":2}']],
    ['nulls alone', ['{"a":null}'], 'VARCHAR', [null]],
    ['a key in some lines only', ['{"a":1}', '{}'], 'BIGINT', [1n, null]],
    ['escapes', ['{"a":"\\u0000\\n\\u20ac\\ud83d\\ude00"}'], 'VARCHAR', ['\0\n€😀']],
    ['a key twice', ['{"a":1,"a":2}'], 'BIGINT', [1n]],
  ])('%s', async (_, lines, type, values) => {
    const { columns, rows } = await jsonl(...lines);
    expect(columns).toEqual([`a ${type}`]);
    expect(rows.map((row) => row.a)).toEqual(values);
  });

  test('names that SQL and JSON paths have a meaning for are names', async () => {
    const names = ['a b', 'c"d', "e'f", 'g/h', 'i~j', 'k.l', '$', '*', '0', 'SELECT', '日本'];
    const object = Object.fromEntries(names.map((name, i) => [name, i]));
    const { rows } = await jsonl(JSON.stringify(object));
    expect(rows).toEqual([Object.fromEntries(names.map((name, i) => [name, BigInt(i)]))]);
  });

  test('deep nesting is kept as JSON', async () => {
    const deep = `${'{"b":'.repeat(100)}1${'}'.repeat(100)}`;
    const { columns, rows } = await jsonl(`{"a":${deep}}`);
    expect(columns[0]).toMatch(/JSON\)+$/);
    expect(JSON.stringify(rows[0], (_, v) => (typeof v === 'string' ? JSON.parse(v) : v))).toBe(
      `{"a":${deep}}`,
    );
  });
});

describe('rows that cannot be read', () => {
  test("a torn line is that row's error with the number of its line, and the next row goes on", async () => {
    const { rows } = await jsonl(
      '{"a":1}',
      '',
      '{"a":',
      '{"a":3}',
      '[4]',
      '{"a":5} x',
      '{"a":NaN}',
      '{"a":8}',
    );
    expect(rows).toEqual([
      { a: 1n },
      { __row: 1n, __error: 'line 3: not valid JSON: {"a":', a: null },
      { a: 3n },
      { __row: 3n, __error: 'line 5: not a JSON object: [4]', a: null },
      { __row: 4n, __error: 'line 6: not valid JSON: {"a":5} x', a: null },
      { __row: 5n, __error: expect.stringMatching(/^line 7: not valid JSON: /), a: null },
      { a: 8n },
    ]);
  });

  test("bytes that are not UTF-8 are that row's error", async () => {
    const bytes = Buffer.from('{"a":"ok"}\n{"a":"caf\xe9"}\n{"a":"ok too"}\n', 'latin1');
    const { rows } = await read(engine, folder.write('l.jsonl', bytes));
    expect(rows).toEqual([
      { a: 'ok' },
      { __row: 1n, __error: 'line 2: not UTF-8: byte 0xe9 at place 10', a: null },
      { a: 'ok too' },
    ]);
  });

  test("a lone surrogate is that row's error: no UTF-8 can hold it", async () => {
    const { rows } = await jsonl('{"a":"\\ud800"}', '{"a":"b"}');
    expect(rows).toEqual([{ __row: 0n, __error: expect.stringMatching(/^line 1: /), a: null }, { a: 'b' }]);
  });

  test("a value that does not fit the column as it was is that row's error", async () => {
    const path = folder.write('m.jsonl', '{"a":1,"b":"x"}\n{"a":2,"b":"y"}\n');
    await withDataset(engine, path, async (dataset) => {
      // As long as before, so that only the value tells.
      folder.write('m.jsonl', '{"a":1,"b":"x"}\n{"a":{},"b":""}\n');
      const relation = dataset.relation({ file: dataset.files[0]!, start: 0, rows: 2 }, ['a', 'b']);
      expect(await engine.rows(relation.sql)).toEqual([
        { __row: 0n, __error: null, a: 1n, b: 'x' },
        { __row: 1n, __error: 'line 2: column a: not a value of type BIGINT: {}', a: null, b: null },
      ]);
      relation[Symbol.dispose]();
    });
  });

  test('a file whose only line is torn is a failed row', async () => {
    expect((await jsonl('{"a":')).rows).toEqual([{ __row: 0n, __error: 'line 1: not valid JSON: {"a":' }]);
  });
});

describe('files', () => {
  test('ranges and marks give the same rows as the whole', async () => {
    const lines = Array.from({ length: 5000 }, (_, i) => (i % 7 === 3 ? '\n' : '') + JSON.stringify({ i }));
    const path = folder.write('r.jsonl', lines.join('\r\n'));
    for (const every of [999, 2048, 5000, 10_000]) {
      const { rows } = await read(engine, path, {}, every);
      expect(rows.map((row) => row.i)).toEqual(lines.map((_, i) => BigInt(i)));
    }
  });

  test('a shard late in a file reads its own bytes, not those before', async () => {
    const line = (i: number) => JSON.stringify({ i, text: 'x'.repeat(1000) });
    const path = folder.write('big.jsonl', Array.from({ length: 20_000 }, (_, i) => line(i)).join('\n'));
    const storage = countingStorage();
    await withDataset(engine, { paths: [path], storage }, async (dataset) => {
      const file = dataset.files[0]!;
      const { marks } = await dataset.facts(file, 100);
      storage.bytesRead = 0;
      const range = { file, start: 19_800, rows: 100, mark: marks[198]! };
      const relation = dataset.relation(range, ['i']);
      const rows = await engine.rows(relation.sql);
      relation[Symbol.dispose]();
      expect(rows.map((row) => row.i)).toEqual(Array.from({ length: 100 }, (_, k) => BigInt(19_800 + k)));
      // The file has 20 MB, the shard 100 kB, one read 1 MB.
      expect(storage.bytesRead).toBeLessThan(1_200_000);
    });
  });

  test('documents of megabytes pass', async () => {
    const texts = Array.from({ length: 12 }, (_, i) => String(i).repeat(3_000_000));
    const { rows } = await jsonl(...texts.map((a) => JSON.stringify({ a })));
    expect(rows.map((row) => (row.a as string).length)).toEqual(texts.map((text) => text.length));
  });

  test('gzip and UTF-16 are read as the text that they hold', async () => {
    const text = '{"a":"é1"}\n{"a":"😀"}\n';
    const expected = [{ a: 'é1' }, { a: '😀' }];
    const utf16 = Buffer.from(`\ufeff${text}`, 'utf16le');
    expect((await read(engine, folder.write('z.jsonl.gz', gzipSync(text)))).rows).toEqual(expected);
    expect((await read(engine, folder.write('u.jsonl', utf16))).rows).toEqual(expected);
    expect((await read(engine, folder.write('b.jsonl', Buffer.from(utf16).swap16()))).rows).toEqual(expected);
    expect((await read(engine, folder.write('uz.jsonl.gz', gzipSync(utf16)))).rows).toEqual(expected);
  });

  test.each([
    ['an array', '[{"a":1},{"a":2}]', /JSON array/, /jq -c '\.\[\]'/],
    ['an array over lines', '[\n{"a":1},\n{"a":2}\n]', /JSON array/, /jq/],
    ['one object over lines', '{\n  "a": 1\n}\n', /no line is a JSON object; the first is \{/, /jq -c '\.'/],
    ['blank lines', '\n \n', /no line in it/, /source\.path/],
  ])('%s is refused with how to convert it', async (_, content, message, next) => {
    await expect(read(engine, folder.write('x.json', content))).rejects.toMatchObject({
      code: 'SOURCE_CORRUPT',
      exit: 3,
      message: expect.stringMatching(message),
      next: expect.stringMatching(next),
    });
  });
});
