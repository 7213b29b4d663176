import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { countingStorage, openedHere, read, withDataset } from './kit.ts';

const { engine, folder } = await openedHere();

async function csv(content: string | Uint8Array, name = 't.csv') {
  return read(engine, folder.write(name, content));
}

describe('types', () => {
  test.each<[string, string[], string, unknown[]]>([
    ['integers', ['1', '-2', ''], 'BIGINT', [1n, -2n, null]],
    ['integers beyond 2^53', ['9007199254740993'], 'BIGINT', [9007199254740993n]],
    ['integers and fractions', ['1', '2.5', '1e3'], 'DOUBLE', [1, 2.5, 1000]],
    ['truth', ['true', 'false', ''], 'BOOLEAN', [true, false, null]],
    ['text', ['x', '5', ''], 'VARCHAR', ['x', '5', null]],
    ['zip codes keep their zeros', ['x', '007'], 'VARCHAR', ['x', '007']],
  ])('%s', async (_, values, type, expected) => {
    const { columns, rows } = await csv(`id,a\n${values.map((value, i) => `${i},${value}\n`).join('')}`);
    expect(columns).toEqual(['id BIGINT', `a ${type}`]);
    expect(rows.map((row) => row.a)).toEqual(expected);
  });

  test.each([
    ['DATE', '2026-11-24', new Date('2026-11-24')],
    ['DATE', '24.11.2026', new Date('2026-11-24')],
    ['TIME', '23:59:58', 86_398_000_000n],
    ['TIMESTAMP', '2026-11-24 01:02:03', new Date('2026-11-24T01:02:03Z')],
    ['TIMESTAMP', '24/11/2026 01:02:03', new Date('2026-11-24T01:02:03Z')],
    ['TIMESTAMP WITH TIME ZONE', '2026-11-24 01:02:03+01', new Date('2026-11-24T00:02:03Z')],
  ])('%s: %s', async (type, value, expected) => {
    const { columns, rows } = await csv(`id,a\n1,${value}\n2,\n`);
    expect(columns).toEqual(['id BIGINT', `a ${type}`]);
    expect(rows.map((row) => row.a)).toEqual([expected, null]);
  });

  test('a value far down that is no number makes the column text, every digit as it was', async () => {
    const lines = Array.from({ length: 120_000 }, (_, i) => `${i},0${i}\n`);
    const { columns, rows } = await read(
      engine,
      folder.write('late.csv', `id,n\n${lines.join('')}x1,y\n`),
      {},
      50_000,
    );
    expect(columns).toEqual(['id VARCHAR', 'n VARCHAR']);
    expect(rows).toHaveLength(120_001);
    expect(rows[7]).toEqual({ id: '7', n: '07' });
    expect(rows[120_000]).toEqual({ id: 'x1', n: 'y' });
  });
});

describe('dialects', () => {
  const expected = [
    { id: 1n, text: 'a, "b"' },
    { id: 2n, text: 'line\nend' },
    { id: 3n, text: null },
  ];
  test.each([
    ['comma', 'id,text\n1,"a, ""b"""\n2,"line\nend"\n3,\n', 't.csv'],
    ['semicolon', 'id;text\n1;"a, ""b"""\n2;"line\nend"\n3;\n', 't.csv'],
    ['pipe', 'id|text\n1|"a, ""b"""\n2|"line\nend"\n3|\n', 't.csv'],
    ['tab in a CSV file', 'id\ttext\n1\t"a, ""b"""\n2\t"line\nend"\n3\t\n', 't.csv'],
    ['tab in a TSV file', 'id\ttext\n1\t"a, ""b"""\n2\t"line\nend"\n3\t\n', 't.tsv'],
    ['backslash escapes', 'id,text\n1,"a, \\"b\\""\n2,"line\nend"\n3,\n', 't.csv'],
    ['byte order mark', '\ufeffid,text\n1,"a, ""b"""\n2,"line\nend"\n3,\n', 't.csv'],
    ['no line end at the end', 'id,text\n1,"a, ""b"""\n2,"line\nend"\n3,', 't.csv'],
    ['blank lines', 'id,text\n\n1,"a, ""b"""\n2,"line\nend"\n\n3,\n\n', 't.csv'],
    ['comments above', '# made by hand\nid,text\n1,"a, ""b"""\n2,"line\nend"\n3,\n', 't.csv'],
  ])('%s', async (_, content, name) => {
    expect((await csv(content, name)).rows).toEqual(expected);
  });

  test('CRLF, and CR alone', async () => {
    expect((await csv('id,text\r\n1,a\r\n2,"b\r\nc"\r\n')).rows).toEqual([
      { id: 1n, text: 'a' },
      { id: 2n, text: 'b\r\nc' },
    ]);
    expect((await csv('id,text\r1,a\r2,b\r')).rows).toEqual([
      { id: 1n, text: 'a' },
      { id: 2n, text: 'b' },
    ]);
  });

  test('gzip and UTF-16 are read as the text that they hold', async () => {
    const text = 'id,text\n1,"é, 1"\n2,😀\n';
    const utf16 = Buffer.from(`\ufeff${text}`, 'utf16le');
    const rows = [
      { id: 1n, text: 'é, 1' },
      { id: 2n, text: '😀' },
    ];
    expect((await csv(gzipSync(text), 'z.csv.gz')).rows).toEqual(rows);
    expect((await csv(utf16)).rows).toEqual(rows);
    expect((await csv(Buffer.from(utf16).swap16())).rows).toEqual(rows);
    expect((await csv(gzipSync(utf16), 'uz.csv.gz')).rows).toEqual(rows);
  });

  test('a file of one column', async () => {
    expect(await csv('text\nfirst, with a comma\n\nthird\n')).toEqual({
      columns: ['text VARCHAR'],
      rows: [{ text: 'first, with a comma' }, { text: null }, { text: 'third' }],
    });
  });

  test('without a header the columns are numbered', async () => {
    const { columns, rows } = await csv('1,2.5,3\n4,5.5,6\n');
    expect(columns).toEqual(['column0 BIGINT', 'column1 DOUBLE', 'column2 BIGINT']);
    expect(rows).toHaveLength(2);
  });

  test('names that come twice, are missing or odd are names', async () => {
    const { columns } = await csv('a,A,,"x ""y""",SELECT,日本\n1,2,3,4,5,6\n7,8,9,10,11,12\n');
    expect(columns.map((column) => column.replace(/ BIGINT$/, ''))).toEqual([
      'a',
      'A_1',
      'column2',
      'x "y"',
      'SELECT',
      '日本',
    ]);
  });

  test('a header alone has columns and no rows', async () => {
    expect(await csv('id,text\n')).toEqual({ columns: ['id VARCHAR', 'text VARCHAR'], rows: [] });
  });
});

describe('rows that cannot be read', () => {
  test('too few or too many fields, and torn quotes, are that row’s error with its line; the next row goes on', async () => {
    const { rows } = await csv('a,b\n1,"x\ny"\n2\n3,y,z\n4,"to"rn\n5,"never closed\n6,end\n7,x\n8,x\n9,x\n');
    expect(rows).toEqual([
      { a: 1n, b: 'x\ny' },
      { __row: 1n, __error: 'line 4: 1 fields where there should be 2: 2', a: null, b: null },
      { __row: 2n, __error: 'line 5: 3 fields where there should be 2: 3,y,z', a: null, b: null },
      { __row: 3n, __error: 'line 6: text after a closing quote: 4,"to"rn', a: null, b: null },
      { __row: 4n, __error: 'line 7: a quote is never closed: 5,"never closed', a: null, b: null },
      { a: 6n, b: 'end' },
      { a: 7n, b: 'x' },
      { a: 8n, b: 'x' },
      { a: 9n, b: 'x' },
    ]);
  });

  test('bytes that are not UTF-8 are that row’s error', async () => {
    const bytes = Buffer.from('a,b\n1,ok\n2,caf\xe9\n3,fine\n', 'latin1');
    expect((await csv(bytes)).rows).toEqual([
      { a: 1n, b: 'ok' },
      { __row: 1n, __error: 'line 3: not UTF-8: byte 0xe9 at place 6', a: null, b: null },
      { a: 3n, b: 'fine' },
    ]);
  });

  test('a file that is Latin-1 throughout is refused with how to convert it', async () => {
    const bytes = Buffer.from('a,\xe9t\xe9\n1,\xe9\n2,\xe9\n', 'latin1');
    await expect(csv(bytes)).rejects.toMatchObject({
      code: 'SOURCE_CORRUPT',
      next: expect.stringMatching(/iconv/),
    });
  });

  test("a value that does not fit the column as it was is that row's error", async () => {
    const path = folder.write('m.csv', 'a,b\n1,x\n2,y\n');
    await withDataset(engine, path, async (dataset) => {
      folder.write('m.csv', 'a,b\n1,x\nz,y\n');
      const relation = dataset.relation({ file: dataset.files[0]!, start: 0, rows: 2 }, ['a', 'b']);
      expect(await engine.rows(relation.sql)).toEqual([
        { __row: 0n, __error: null, a: 1n, b: 'x' },
        { __row: 1n, __error: 'line 3: column a: not a value of type BIGINT: z', a: null, b: null },
      ]);
      relation[Symbol.dispose]();
    });
  });
});

describe('files', () => {
  test('ranges and marks give the same rows as the whole', async () => {
    const lines = Array.from({ length: 5000 }, (_, i) => {
      if (i % 7 === 3) return `${i},"line\r\n${i}"\r\n\r\n`;
      return i % 11 === 5 ? `${i}\r\n` : `${i},"${i}, ""x"""\r\n`;
    });
    const path = folder.write('r.csv', `id,text\r\n${lines.join('')}`);
    const whole = await read(engine, path, {}, 10_000);
    expect(whole.rows).toHaveLength(5000);
    expect(whole.rows[3]).toEqual({ id: 3n, text: 'line\r\n3' });
    expect(whole.rows[5]).toMatchObject({ __row: 5n, __error: expect.stringMatching(/^line 9: 1 fields/) });
    for (const every of [999, 2048, 5000]) {
      expect((await read(engine, path, {}, every)).rows).toEqual(whole.rows);
    }
  });

  test('a shard late in a file reads its own bytes, not those before', async () => {
    const text = 'x'.repeat(1000);
    const lines = Array.from({ length: 20_000 }, (_, i) => `${i},"${text}"\n`);
    const path = folder.write('big.csv', `i,text\n${lines.join('')}`);
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
      expect(storage.bytesRead).toBeLessThan(1_200_000);
    });
  });

  test('fields of megabytes pass', async () => {
    const texts = Array.from({ length: 12 }, (_, i) => `${String(i).repeat(1_500_000)},\n`);
    const { rows } = await csv(`id,text\n${texts.map((text, i) => `${i},"${text}"\n`).join('')}`);
    expect(rows.map((row) => (row.text as string).length)).toEqual(texts.map((text) => text.length));
  });

  test.each([
    ['an empty file', '', /0 bytes/],
    ['an empty file in gzip', gzipSync(''), /empty when unpacked/, 'e.csv.gz'],
    [
      'a gzip that is cut off',
      gzipSync('id,text\n'.repeat(10_000)).subarray(0, 40),
      /broken gzip/,
      'c.csv.gz',
    ],
    ['text that is named .gz', 'id,text\n1,a\n', /named \.gz/, 'n.csv.gz'],
    ['a Parquet file', Buffer.from('PAR1\0\0\0\0PAR1'), /Parquet/],
    ['a spreadsheet', Buffer.from('PK\x03\x04\x14\0\x06\0\x08\0\0\0', 'latin1'), /zip/],
  ] as [string, string | Uint8Array, RegExp, string?][])(
    '%s is refused',
    async (_, content, message, name) => {
      await expect(csv(content, name)).rejects.toMatchObject({
        code: 'SOURCE_CORRUPT',
        exit: 3,
        message: expect.stringMatching(message),
        next: expect.stringMatching(/./),
      });
    },
  );
});
