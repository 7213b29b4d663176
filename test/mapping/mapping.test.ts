import {
  Binary,
  type DataType,
  Dictionary,
  Field,
  Float32,
  Float64,
  Int32,
  Int64,
  LargeUtf8,
  List,
  Map_,
  Null,
  type RecordBatch,
  Struct,
  Utf8,
} from 'apache-arrow';
import { describe, expect, test } from 'vitest';
import type { ValueKind } from '../../src/mapping/binding.ts';
import { compileMapping, type MediaReader, MappingError } from '../../src/mapping/mapping.ts';
import type { Binding } from '../../src/spec/job.ts';
import { batchOf } from './batches.ts';

const png = Uint8Array.from(
  Buffer.from(
    'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNgYGBgAAAABQABh6FO1AAAAABJRU5ErkJggg==',
    'base64',
  ),
);
const files: Record<string, Uint8Array> = {
  'data/cat.png': png,
  'dog.png': png,
  'data/notes.txt': Buffer.from('not for others'),
  '/abs/cat.png': png,
  'data/t.csv': Buffer.from('\ufeffName,Age\r\n"Brook, Ada",41\n\n"a ""b""",\n'),
  't.TSV': Buffer.from('a\tb\n1\t2'),
  'data/ragged.csv': Buffer.from('a,b\n1\n'),
  'data/twice.csv': Buffer.from('a,a\n'),
  'data/empty.csv': Buffer.from('\n'),
  'data/binary.csv': Buffer.from([0x61, 0xff, 0xfe]),
  'data/escaped.csv': Buffer.from('Title,Year\n"\\"Rose\\", a song",1999\n"C:\\\\ \\n",\n'),
  'data/quote.csv': Buffer.from('a,b\n"x"y,2\n'),
};
const asked: string[] = [];
const reader: MediaReader = {
  readFile: async (path, folder) => {
    asked.push(`${path} in ${folder}`);
    if (path.startsWith('../')) throw new MappingError(`leads out: ${path}`);
    return files[path];
  },
  fetchUrl: async (url) => (url.includes('.png') ? png : Buffer.from('<!DOCTYPE html>\n<title>Gone</title>')),
};

const kinds = {
  text: 'text',
  note: 'text',
  sentences: 'texts',
  image: 'image',
  audio: 'audio',
  table: 'table',
} as const;

/** Bindings by name: of an input of that kind (all but `note` are required), else of a parameter. */
function compile(batch: RecordBatch, bindings: Record<string, Binding>, read: MediaReader = reader) {
  const entries = Object.entries(bindings).map(([name, binding]) => {
    const kind: ValueKind = name in kinds ? kinds[name as keyof typeof kinds] : 'parameter';
    return { name, binding, kind, required: name in kinds && name !== 'note' };
  });
  const { mapping, problems } = compileMapping(entries, batch.schema, read);
  return { ...mapping, problems };
}

/** The value of one input for each row: what it is, or why the row fails. */
async function rowsOf(batch: RecordBatch, name: string, binding: Binding): Promise<unknown[]> {
  const mapping = compile(batch, { [name]: binding });
  expect(mapping.problems).toEqual([]);
  const map = mapping.bind(batch, 'data/rows.parquet');
  const rows: unknown[] = [];
  for (let row = 0; row < batch.numRows; row++) {
    try {
      rows.push((await map(row))[name]);
    } catch (error) {
      expect(error).toBeInstanceOf(MappingError);
      rows.push((error as Error).message);
    }
  }
  return rows;
}

const column = (name: string) => ({ kind: 'column', column: name }) as const;
const literal = (value: unknown) => ({ kind: 'literal', value }) as const;
const template = (text: string) => ({ kind: 'template', template: text }) as const;
const listOf = (type: DataType) => new List(new Field('element', type, true));
const one = (type: DataType, values: readonly unknown[]) => batchOf({ c: { type, values } });

describe('a text', () => {
  const values = ['a', '', null, 'ß中🐳'];
  test.each([
    ['utf8', new Utf8()],
    ['large utf8', new LargeUtf8()],
    ['dictionary', new Dictionary(new Utf8(), new Int32())],
  ])('is read from %s; null fails a row that needs it', async (_, type) => {
    expect(await rowsOf(one(type, values), 'text', column('c'))).toEqual([
      'a',
      '',
      '"text" is null',
      'ß中🐳',
    ]);
  });

  test('that is optional is left out where it is null', () => {
    const batch = one(new Utf8(), ['x', null]);
    const map = compile(batch, { note: column('c') }).bind(batch, 'f');
    expect([map(0), map(1)]).toEqual([{ note: 'x' }, {}]);
  });

  test('is read at once, without a promise', () => {
    const batch = one(new Utf8(), ['x']);
    expect(compile(batch, { text: column('c') }).bind(batch, 'f')(0)).not.toBeInstanceOf(Promise);
  });

  test('of a slice of a batch is that of its rows', async () => {
    const batch = one(new Utf8(), ['a', null, 'ccc', 'd']).slice(1, 4);
    expect(await rowsOf(batch, 'text', column('c'))).toEqual(['"text" is null', 'ccc', 'd']);
  });

  test('is found by a path of dots; a column of exactly that name comes first', async () => {
    const inner = new Struct([new Field('b', new Struct([new Field('c', new Utf8(), true)]), true)]);
    const batch = batchOf({
      a: { type: inner, values: [{ b: { c: 'deep' } }, { b: null }, null] },
      'x.y': { type: new Utf8(), values: ['exact', 'exact', 'exact'] },
      x: { type: new Struct([new Field('y', new Utf8(), true)]), values: [{ y: 'path' }, null, null] },
    });
    expect(await rowsOf(batch, 'text', column('a.b.c'))).toEqual([
      'deep',
      '"text" is null',
      '"text" is null',
    ]);
    expect(await rowsOf(batch, 'text', column('x.y'))).toEqual(['exact', 'exact', 'exact']);
    expect(compile(batch, { text: column('a.b.c') }).columns).toEqual(['a']);
  });

  test('made by a template that fails is that row’s failure, by its name', async () => {
    const batch = batchOf({ a: { type: new Utf8(), values: ['x', null] } });
    expect(await rowsOf(batch, 'text', template('{{ a ~ "!" }}'))).toEqual([
      'x!',
      '"text" template Cannot perform operation on null values',
    ]);
  });
});

describe('what is wrong with a mapping is said before the run', () => {
  const batch = batchOf({
    title: { type: new Utf8(), values: [] },
    n: { type: new Int64(), values: [] },
    meta: { type: new Struct([new Field('author', new Utf8())]), values: [] },
    blob: { type: new Binary(), values: [] },
    nothing: { type: new Null(), values: [] },
  });
  const said = (name: string, binding: Binding) =>
    compile(batch, { [name]: binding }).problems.map(
      ({ kind, name, message, suggestion }) => `${name} ${kind}: ${message} — ${suggestion}`,
    );
  test.each([
    ['text', column('titel'), 'text unknown-column: unknown column "titel" — did you mean "title"?'],
    [
      'text',
      column('meta.autor'),
      'text unknown-column: unknown column "meta.autor" — did you mean "meta.author"?',
    ],
    [
      'text',
      column('zzz'),
      'text unknown-column: unknown column "zzz" — columns are title, n, meta, blob, nothing',
    ],
    [
      'text',
      column('n'),
      'text wrong-column-type: column "n" is Int64, not a text — make one with a template: "{{ n }}"',
    ],
    ['text', column('blob'), /wrong-column-type: column "blob" is Binary/],
    ['text', column('nothing'), /wrong-column-type/],
    ['sentences', column('n'), /wrong-column-type: .*not a list of texts — make one with a template/],
    ['image', column('n'), /wrong-column-type: .*not an image — it takes bytes/],
    ['audio', column('meta'), /wrong-column-type: .*not a sound/],
    ['table', column('n'), /wrong-column-type: .*not a table/],
    [
      'text',
      template('{{ titel }}'),
      'text unknown-column: template names "titel", which is no column — did you mean "title"?',
    ],
  ] as const)('%s from %o', (name, binding, expected) => {
    expect(said(name, binding)).toEqual([
      typeof expected === 'string' ? expected : expect.stringMatching(expected),
    ]);
  });

  test('all of it is said at once, parameters too', () => {
    const { problems } = compile(batch, {
      text: column('a'),
      note: column('b'),
      top_k: column('c'),
      label: column('blob'),
      kept: { kind: 'literal', value: 1 },
    });
    expect(problems.map(({ name, kind }) => [name, kind])).toEqual([
      ['text', 'unknown-column'],
      ['note', 'unknown-column'],
      ['top_k', 'unknown-column'],
      ['label', 'wrong-column-type'],
    ]);
  });
});

describe('a list of texts', () => {
  test('is a list column; a null in it fails the row', async () => {
    expect(
      await rowsOf(one(listOf(new Utf8()), [['a', 'b'], [], null, ['a', null]]), 'sentences', column('c')),
    ).toEqual([['a', 'b'], [], '"sentences" is null', '"sentences" item 2 of the list is null']);
  });

  test('is JSON text; other text fails the row', async () => {
    expect(
      await rowsOf(one(new Utf8(), ['["a", "b"]', null, '{}', 'a, b']), 'sentences', column('c')),
    ).toEqual([
      ['a', 'b'],
      '"sentences" is null',
      '"sentences" is not a list of texts',
      expect.stringMatching(/^"sentences" is not JSON/),
    ]);
  });

  test('is JSON that a template makes', async () => {
    const batch = one(new Utf8(), ['x', '"']);
    expect(await rowsOf(batch, 'sentences', template('{{ [c, c | upper] | tojson }}'))).toEqual([
      ['x', 'X'],
      ['"', '"'],
    ]);
    expect(await rowsOf(batch, 'sentences', template('{{ c }}'))).toEqual([
      expect.stringMatching(/^"sentences" is not JSON/),
      expect.stringMatching(/^"sentences" is not JSON/),
    ]);
  });
});

describe('an image', () => {
  const image = { bytes: png, contentType: 'image/png' };
  const struct = new Struct([new Field('bytes', new Binary(), true), new Field('path', new Utf8(), true)]);

  test('is bytes; bytes that are none fail the row', async () => {
    const rows = await rowsOf(
      one(new Binary(), [
        png,
        Buffer.from('hello'),
        Buffer.from(''),
        null,
        Buffer.from('fLaC....'),
        Buffer.from([1, 2, 3]),
      ]),
      'image',
      column('c'),
    );
    expect(rows).toEqual([
      image,
      '"image" is not an image but a text: begins with "hello"',
      '"image" holds no bytes where an image should be',
      '"image" is null',
      '"image" is not an image but audio/flac: begins with 66 4c 61 43 2e 2e 2e 2e',
      '"image" is not an image: begins with 01 02 03',
    ]);
  });

  test('is a struct of bytes and path; the path serves where there are no bytes', async () => {
    const values = [
      { bytes: png, path: 'gone.png' },
      { bytes: null, path: 'cat.png' },
      { bytes: null, path: null },
      null,
    ];
    expect(await rowsOf(one(struct, values), 'image', column('c'))).toEqual([
      image,
      image,
      '"image" is null',
      '"image" is null',
    ]);
  });

  test('is a file, beside the source file or else in the working directory', async () => {
    const rows = await rowsOf(
      one(new Utf8(), ['cat.png', 'dog.png', '/abs/cat.png', 'bird.png', '']),
      'image',
      column('c'),
    );
    expect(rows).toEqual([
      image,
      image,
      image,
      '"image" names a file that is not there: bird.png (looked for data/bird.png, bird.png)',
      '"image" is an empty path',
    ]);
    expect(asked).toContain('data/cat.png in data');
  });

  test('that is a file of something else is not sent', async () => {
    expect(await rowsOf(one(new Utf8(), ['notes.txt']), 'image', column('c'))).toEqual([
      '"image" names notes.txt, which is not an image but a text: begins with "not for others"',
    ]);
  });

  test('may not be outside of what the reader allows', async () => {
    expect(await rowsOf(one(new Utf8(), ['../../x.png']), 'image', column('c'))).toEqual([
      '"image" leads out: ../x.png',
    ]);
  });

  test('is a data URL or a web address; what these give is looked at', async () => {
    const urls = [
      `data:image/png;base64,${Buffer.from(png).toString('base64')}`,
      'data:text/plain,hello%20there',
      'data:nothing',
      'https://example.com/a.png',
      'HTTP://example.com/b.jpg?signature=secret',
    ];
    expect(await rowsOf(one(new Utf8(), urls), 'image', column('c'))).toEqual([
      { bytes: expect.any(Uint8Array), contentType: 'image/png' },
      '"image" is not an image but a text: begins with "hello there"',
      '"image" is a data URL without a comma',
      image,
      '"image" names HTTP://example.com/b.jpg, which is not an image but an HTML page',
    ]);
  });

  test('may be one path for every row; a literal that is none is refused before the run', async () => {
    const batch = one(new Utf8(), ['x', null]);
    expect(await rowsOf(batch, 'image', literal('cat.png'))).toEqual([image, image]);
    const { problems } = compile(batch, { image: literal(7) });
    expect(problems).toMatchObject([{ name: 'image', message: 'the value is not the path of an image' }]);
  });

  test('may have its path made by a template', async () => {
    expect(await rowsOf(one(new Utf8(), ['cat']), 'image', template('{{ c }}.png'))).toEqual([image]);
  });

  test('a disk that fails is not the row’s fault', async () => {
    const batch = one(new Utf8(), ['x']);
    const broken: MediaReader = {
      ...reader,
      readFile: async () => {
        throw new Error('EIO: i/o error');
      },
    };
    const mapping = compile(batch, { image: column('c') }, broken);
    await expect(mapping.bind(batch, 'f')(0)).rejects.not.toBeInstanceOf(MappingError);
  });
});

test('a sound in a container of films is sent as a sound', async () => {
  const webm = Uint8Array.from([0x1a, 0x45, 0xdf, 0xa3]);
  expect(await rowsOf(one(new Binary(), [webm, png]), 'audio', column('c'))).toEqual([
    { bytes: webm, contentType: 'audio/webm' },
    expect.stringMatching(/is not a sound but image\/png/),
  ]);
});

describe('a table', () => {
  const entries = new Struct<{ key: Utf8; value: List<Float64> }>([
    new Field('key', new Utf8(), false),
    new Field('value', new List(new Field('element', new Float64(), true)), true),
  ]);
  test('is a struct of lists, cells become texts', async () => {
    const type = new Struct([new Field('name', listOf(new Utf8())), new Field('n', listOf(new Int64()))]);
    const values = [
      { name: ['a', null], n: [9007199254740993n, 2n] },
      { name: ['a'], n: [] },
      { name: ['a'], n: null },
      { name: null, n: null },
    ];
    expect(await rowsOf(one(type, values), 'table', column('c'))).toEqual([
      { name: ['a', ''], n: ['9007199254740993', '2'] },
      '"table" has columns of different lengths: "name" has 1 cells, "n" has 0',
      { name: ['a'] },
      '"table" is a table without columns',
    ]);
  });

  test('is a map of lists', async () => {
    const values = [new Map([['x', [1.5, 2]]]), new Map()];
    expect(await rowsOf(one(new Map_(new Field('entries', entries)), values), 'table', column('c'))).toEqual([
      { x: ['1.5', '2'] },
      '"table" is a table without columns',
    ]);
  });

  test('is JSON text', async () => {
    const values = ['{"a": ["1", 2, null], "__proto__": ["x", "y", "z"]}', '[1]', '{"a": 1}', 'torn {'];
    const [first, ...others] = await rowsOf(one(new Utf8(), values), 'table', column('c'));
    expect(Object.entries(first as object)).toEqual([
      ['a', ['1', '2', '']],
      ['__proto__', ['x', 'y', 'z']],
    ]);
    expect(others).toEqual([
      '"table" is not a table: wanted {"column": ["cell", …], …}',
      '"table" column "a" of the table is not a list',
      expect.stringMatching(/^"table" is not JSON/),
    ]);
  });
});

describe('a table in a file', () => {
  test('is named by a path; what is no table fails the row', async () => {
    const names = [
      't.csv',
      't.TSV',
      'ragged.csv',
      'twice.csv',
      'empty.csv',
      'binary.csv',
      'quote.csv',
      'escaped.csv',
      'no.csv',
      null,
    ];
    const rows = await rowsOf(one(new Utf8(), names), 'table', column('c'));
    expect(rows).toEqual([
      { Name: ['Brook, Ada', 'a "b"'], Age: ['41', ''] },
      { a: ['1'], b: ['2'] },
      '"table" names ragged.csv, which has 2 columns, but 1 cells in row 1',
      '"table" names twice.csv, which has two columns of one name',
      '"table" names empty.csv, which is empty',
      '"table" names binary.csv, which is not UTF-8 text',
      '"table" names quote.csv, which has text after a closing quote',
      { Title: ['"Rose", a song', 'C:\\ \\n'], Year: ['1999', ''] },
      '"table" names a file that is not there: no.csv (looked for data/no.csv, no.csv)',
      '"table" is null',
    ]);
  });

  test('may have its path made by a template, and may not lead out', async () => {
    expect(await rowsOf(one(new Utf8(), ['t']), 'table', template('{{ c }}.csv'))).toEqual([
      { Name: ['Brook, Ada', 'a "b"'], Age: ['41', ''] },
    ]);
    expect(await rowsOf(one(new Utf8(), ['../../x.csv']), 'table', column('c'))).toEqual([
      expect.stringContaining('leads out'),
    ]);
  });
});

describe('parameters', () => {
  const batch = batchOf({
    text: { type: new Utf8(), values: ['a', 'b'] },
    labels: { type: listOf(new Utf8()), values: [['x', 'y'], null] },
    k: { type: new Int64(), values: [3n, 9007199254740993n] },
    f: { type: new Float32(), values: [0.1, 0.25] },
  });

  test('come from columns and templates, and are left out where they are null', () => {
    const mapping = compile(batch, {
      text: column('text'),
      labels: column('labels'),
      k: column('k'),
      f: column('f'),
      hint: { kind: 'template', template: 'is {{ text }}' },
    });
    expect(mapping.columns).toEqual(['text', 'labels', 'k', 'f']);
    const map = mapping.bind(batch, 'f');
    expect(map(0)).toEqual({ text: 'a', labels: ['x', 'y'], k: 3, f: 0.1, hint: 'is a' });
    expect(map(1)).toEqual({ text: 'b', k: '9007199254740993', f: 0.25, hint: 'is b' });
  });
});

describe('a literal input', () => {
  const literal = (value: unknown) => ({ kind: 'literal', value }) as const;
  const batch = one(new Utf8(), ['x']);

  test.each([
    ['text', 'always', 'always'],
    ['sentences', ['a', 'b'], ['a', 'b']],
    ['table', { a: [1, 2] }, { a: ['1', '2'] }],
    ['table', '{"a": [1]}', { a: ['1'] }],
    ['table', 't.TSV', { a: ['1'], b: ['2'] }],
  ])('of %s: %j', async (name, value, expected) => {
    expect(await rowsOf(batch, name, literal(value))).toEqual([expected]);
  });

  test.each([
    ['text', 7, 'the value is not a text'],
    ['sentences', 'a', 'the value is not a list of texts'],
    ['sentences', ['a', 1], 'the value item 2 of the list is not a text'],
    ['table', [1], 'the value is not a table'],
  ])('of %s that is %j is a problem before the run', (name, value, message) => {
    expect(compile(batch, { [name]: literal(value) }).problems).toMatchObject([
      { name, message: expect.stringContaining(message) },
    ]);
  });
});

test('the names of a plain column are looked up once for a batch, not for a row', () => {
  const batch = one(
    new Utf8(),
    Array.from({ length: 1000 }, (_, i) => `text ${i}`),
  );
  const map = compile(batch, { text: column('c') }).bind(batch, 'f');
  let looks = 0;
  Object.defineProperty(batch, 'schema', { get: () => looks++ });
  Object.defineProperty(batch, 'data', { get: () => looks++ });
  for (let row = 0; row < 1000; row++) map(row);
  expect(looks).toBe(0);
});
