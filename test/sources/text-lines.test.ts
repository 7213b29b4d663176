import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { openedHere, read } from './kit.ts';

const { engine, folder } = await openedHere();

async function lines(content: string | Uint8Array, name = 't.txt', every?: number): Promise<unknown[]> {
  const { columns, rows } = await read(engine, folder.write(name, content), {}, every);
  expect(columns).toEqual(['text VARCHAR']);
  return rows.map((row) => row.__error ?? row.text);
}

test.each<[string, string | Uint8Array, string[]]>([
  ['LF', 'a\nb\n', ['a', 'b']],
  ['CRLF', 'a\r\nb\r\n', ['a', 'b']],
  ['no last line end', 'a\nb', ['a', 'b']],
  ['blank lines, which are rows too', 'a\n\n  \nb\n\n', ['a', '', '  ', 'b', '']],
  ['a byte order mark', '\ufeffa\nb', ['a', 'b']],
  ['signs that mean something elsewhere', '{"a":1}\n"x,y"\t\n', ['{"a":1}', '"x,y"\t']],
  ['other line ends inside a line', 'a\u2028b\rc\n', ['a\u2028b\rc']],
  ['UTF-16', Buffer.from('\ufeffa€\nb', 'utf16le'), ['a€', 'b']],
])('lines with %s', async (_, content, expected) => {
  expect(await lines(content)).toEqual(expected);
});

test('a line that is not UTF-8 is its row’s error with its number', async () => {
  const content = Buffer.concat([Buffer.from('a\n\nx'), Buffer.from([0xff]), Buffer.from('\nb')]);
  expect(await lines(content)).toEqual(['a', '', expect.stringMatching(/^line 3: not UTF-8/), 'b']);
});

test('compressed lines are read; the rows are the same in any ranges', async () => {
  const content = Array.from({ length: 1000 }, (_, i) => (i % 7 === 0 ? '' : `line ${i}`)).join('\n');
  const whole = content.split('\n');
  expect(await lines(gzipSync(content), 'z.txt.gz')).toEqual(whole);
  for (const every of [1, 3, 999]) expect(await lines(content, 'r.txt', every)).toEqual(whole);
});

test('texts beside tables are no data; alone, or by the job’s word, they are', async () => {
  folder.write('mixed/README.txt', 'read me');
  folder.write('mixed/a.jsonl', '{"x":1}\n');
  expect((await read(engine, `${folder.path}/mixed`)).rows).toEqual([{ x: 1n }]);
  folder.write('texts/a.txt', 'one\n');
  folder.write('texts/b.txt', 'two\n');
  expect((await read(engine, `${folder.path}/texts`)).rows).toEqual([{ text: 'one' }, { text: 'two' }]);
  const named = folder.write('lines.log', 'a line\n');
  expect((await read(engine, { paths: [named], format: 'text' })).rows).toEqual([{ text: 'a line' }]);
});
