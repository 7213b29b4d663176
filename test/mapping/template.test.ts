import {
  Binary,
  Bool,
  DateDay,
  Decimal,
  Dictionary,
  Field,
  Float32,
  Float64,
  Int32,
  Int64,
  List,
  Map_,
  Struct,
  TimestampMicrosecond,
  Utf8,
} from 'apache-arrow';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MappingError } from '../../src/mapping/mapping.ts';
import { compileTemplate } from '../../src/mapping/template.ts';
import { filterNames } from '../../src/mapping/template-names.ts';
import { longestText } from '../../src/mapping/template-sandbox.ts';
import { batchOf } from './batches.ts';

const meta = new Struct([
  new Field('author', new Utf8()),
  new Field('items', new Int32()),
  new Field('cover', new Binary()),
]);
const batch = batchOf({
  title: { type: new Utf8(), values: ['Moby-Dick', null] },
  n: { type: new Int64(), values: [9007199254740993n, 7n] },
  price: { type: new Float64(), values: [1.5, 2] },
  ratio: { type: new Float32(), values: [0.1, 1] },
  day: { type: new DateDay(), values: [new Date('2026-11-01'), null] },
  at: { type: new TimestampMicrosecond(), values: [1_700_000_000_000, 0] },
  flag: { type: new Bool(), values: [true, false] },
  tags: { type: new List(new Field('element', new Utf8())), values: [['sea', 'whale'], []] },
  lang: { type: new Dictionary(new Utf8(), new Int32()), values: ['en', 'de'] },
  meta: { type: meta, values: [{ author: 'Melville', items: 3, cover: new Uint8Array([1]) }, null] },
  blob: { type: new Binary(), values: [new Uint8Array([1]), new Uint8Array([2])] },
  'odd name': { type: new Utf8(), values: ['odd', 'even'] },
  namespace: { type: new Utf8(), values: ['ns', 'ns'] },
  range: { type: new Utf8(), values: ['r', 'r'] },
});

function render(text: string, row = 0): string {
  const { problems, bind } = compileTemplate(text, batch.schema);
  expect(problems).toEqual([]);
  return bind(batch)(row);
}

function problems(text: string): string[] {
  return compileTemplate(text, batch.schema).problems.map(
    ({ kind, message, suggestion }) =>
      `${kind}: ${message}${suggestion === undefined ? '' : ` — ${suggestion}`}`,
  );
}

describe('a template over a row', () => {
  test.each([
    ['{{ title }}', 'Moby-Dick'],
    ['{{ title | upper }}: {{ tags | join(", ") }}', 'MOBY-DICK: sea, whale'],
    ['{{ n }}', '9007199254740993'],
    ['{{ price }} {{ ratio }}', '1.5 0.1'],
    ['{{ day }}', '2026-11-01'],
    ['{{ at }}', '2023-11-14T22:13:20.000000'],
    ['{% if flag %}yes{% else %}no{% endif %}', 'yes'],
    ['{% for tag in tags %}{{ loop.index }}{{ tag }} {% endfor %}', '1sea 2whale '],
    ['{{ lang }}', 'en'],
    ['{{ meta.author }} {{ meta["items"] }}', 'Melville 3'],
    ['{{ row["odd name"] }} {{ row.title }}', 'odd Moby-Dick'],
    ['{{ namespace }} {{ range }}', 'ns r'],
    ['{{ [title, lang] | tojson }}', '["Moby-Dick", "en"]'],
    ['{% set t = title %}{{ t }}', 'Moby-Dick'],
    ['{% macro b(x, end="!") %}{{ x }}{{ end }}{% endmacro %}{{ b(title) }}', 'Moby-Dick!'],
    ['{{ title[0:4] }}{{ title.split("-")[1] }}', 'MobyDick'],
  ])('%s', (text, expected) => {
    expect(render(text)).toBe(expected);
  });

  test('null is none: shown as nothing, and testable', () => {
    expect(render('[{{ title }}]', 1)).toBe('[]');
    expect(render('{{ "no title" if title is none else title }}', 1)).toBe('no title');
  });

  test('maps keep their keys, decimals their digits', () => {
    const other = batchOf({
      d: { type: new Decimal(2, 10), values: [Uint32Array.of(1250, 0, 0, 0)] },
      m: {
        type: new Map_(
          new Field(
            'entries',
            new Struct<{ key: Utf8; value: Int32 }>([
              new Field('key', new Utf8()),
              new Field('value', new Int32()),
            ]),
          ),
        ),
        values: [
          new Map([
            ['a', 1],
            ['b', 2],
          ]),
        ],
      },
    });
    const { problems, bind } = compileTemplate('{{ m.a }} {{ m | tojson }} {{ d }}', other.schema);
    expect(problems).toEqual([]);
    expect(bind(other)(0)).toBe('1 {"a": 1, "b": 2} 12.50');
  });

  test('it tells which columns it needs, those in branches and loops too', () => {
    const text =
      '{% if flag %}{{ title }}{% endif %}{% for x in tags %}{{ x ~ lang }}{% endfor %}{{ row["odd name"] }}';
    expect(compileTemplate(text, batch.schema).columns.sort()).toEqual([
      'flag',
      'lang',
      'odd name',
      'tags',
      'title',
    ]);
  });

  test('one row leaves nothing behind for the next', () => {
    const { bind } = compileTemplate('{{ seen is defined }}{% set seen = 1 %}', batch.schema);
    const map = bind(batch);
    expect([map(0), map(0)]).toEqual(['false', 'false']);
  });
});

describe('what is wrong with a template is said before the run', () => {
  test.each([
    ['{{ titel }}', 'unknown-column: template names "titel", which is no column — did you mean "title"?'],
    [
      '{{ row["odd nme"] }}',
      'unknown-column: template names row["odd nme"], which is no column — did you mean "odd name"?',
    ],
    [
      '{{ meta.autor }}',
      'unknown-column: template names "meta.autor", but "meta" has no "autor" — did you mean "author"?',
    ],
    ['{{ title.constructor }}', /unknown-column: .*"title" has no "constructor"/],
    ['{{ n.__proto__ }}', /unknown-column: .*"n" has no "__proto__"/],
    ['{{ blob }}', 'wrong-column-type: template shows "blob", which holds bytes'],
    ['{{ meta | tojson }}', 'wrong-column-type: template shows "meta", which holds bytes'],
    ['{{ meta.cover }}', 'wrong-column-type: template shows "meta.cover", which holds bytes'],
    ['{{ row }}', 'bad-template: template takes the whole row — name the columns: row["a"]'],
    ['{{ strftime_now("%Y") }}', /bad-template: template asks for the time/],
    ['{{ title | uper }}', 'bad-template: template unknown filter "uper" — did you mean "upper"?'],
    ['{{ title is strin }}', 'bad-template: template unknown test "strin" — did you mean "string"?'],
    [
      '{% filter upper %}x{% endfilter %}',
      'bad-template: template uses {% filter %} — apply the filter with | instead',
    ],
    ['{{ title', /bad-template: template .*(does not parse|not complete)/],
    ['{% if title %}x', /bad-template: template is not complete/],
    ['{{ title | }}', /bad-template/],
    [`{{ ${'('.repeat(9000)}1${')'.repeat(9000)} }}`, 'bad-template: template is nested too deep'],
    ['x'.repeat(60_000), 'bad-template: template is longer than 50000 characters'],
  ])('%s', (text, expected) => {
    expect(problems(text)).toEqual([
      typeof expected === 'string' ? expected : expect.stringMatching(expected),
    ]);
  });

  test('each unknown name is reported once', () => {
    expect(problems('{{ titel }}{{ titel }}{{ n | nofilter }}')).toHaveLength(2);
  });

  test('the filters that are known are those of the library', () => {
    for (const filter of filterNames) {
      const operands = ['title', 'tags', 'price', 'flag', '{"a": title}'];
      const said = operands.flatMap((operand) =>
        [
          `{{ ${operand} | ${filter} }}`,
          `{{ ${operand} | ${filter}("a", "b") }}`,
          `{{ [{"a": 1}] | ${filter}(attribute="a") }}`,
        ].map((text) => {
          try {
            return render(text);
          } catch (error) {
            return `error ${(error as Error).message}`;
          }
        }),
      );
      expect(
        said.some((text) => !/Unknown \w+ filter|Cannot apply filter/.test(text)),
        filter,
      ).toBe(true);
    }
  });
});

describe('a template cannot escape or run away', () => {
  const few = batchOf({
    title: { type: new Utf8(), values: ['xx'] },
    tags: { type: new List(new Field('element', new Utf8())), values: [['sea', 'whale']] },
  });
  /** `s` doubles with each turn of the loop: `turns` of them make 2^turns characters. */
  const doubled = (turns: number, then: string) =>
    `{% for i in range(${turns}) %}{% set s = s ~ s if s is defined else "xx" %}{% if loop.last %}${then}{% endif %}{% endfor %}`;
  const long = /more than 10000000 characters/;
  const bombs: [name: string, text: string, why: RegExp][] = [
    ['a large range', '{% for i in range(10000000000) %}x{% endfor %}', /at most 100000 numbers/],
    ['an endless range', '{% for i in range(1, 2, 0) %}x{% endfor %}', /step that is not 0/],
    [
      'loops in loops',
      '{% for i in range(90000) %}{% for j in range(90000) %}{% endfor %}{% endfor %}',
      /too much work/,
    ],
    ['doubling a text', doubled(60, '{{ s }}'), long],
    [
      'much text in all',
      doubled(20, '{% for i in range(90000) %}{{ s }}{% endfor %}'),
      /too much work|more than/,
    ],
    [
      'doubling a list',
      '{% for i in range(60) %}{% set s = s + s if s is defined else [1] %}{% endfor %}',
      /more than 1000000 items/,
    ],
    [
      'a list of itself, over and over',
      '{% for i in range(60) %}{% set s = [s, s, s] if s is defined else [1] %}{% endfor %}',
      long,
    ],
    [
      'deep lists',
      '{% for i in range(90000) %}{% set s = [s] if s is defined else [1] %}{% endfor %}',
      /too deep/,
    ],
    ['a wide indent', '{{ "a\\nb" | indent(900000000) }}', /at most 1000/],
    ['a wide indent by name', '{{ "a\\nb" | indent(width=900000000) }}', /at most 1000/],
    ['a wide indent of JSON', '{{ [1, 2] | tojson(indent=900000000) }}', /at most 1000/],
    ['replacing with much', doubled(21, '{{ s | replace("x", s) }}'), long],
    ['replacing with much, as a method', doubled(21, '{{ s.replace("x", s) }}'), long],
    ['replacing between all characters', doubled(21, '{{ s.replace("", s) }}'), long],
    ['a method kept for later', '{% set f = title.replace %}{{ f("a", "b") }}', /without calling it/],
    ['a method by a computed name', '{{ title["re" ~ "place"]("a", "b") }}', /without calling it/],
    ['arguments that are spread', '{{ title.replace(*["a", "b"]) }}', /one by one/],
    ['joining with much', doubled(21, '{{ range(90000) | join(s) }}'), /Invalid string length|more than/],
    ['a macro that calls itself', '{% macro f() %}{{ f() }}{{ f() }}{% endmacro %}{{ f() }}', /too deep/],
    ['its own exception', '{{ raise_exception("no title") }}', /no title/],
    ['the constructor of a text', '{{ title["const" ~ "ructor"]("return process")() }}', /not a function/],
    ['the prototype of a mapping', '{{ {}["__pro" ~ "to__"].x.y() }}', /not a function/],
  ];
  test.each(bombs)('%s fails the row, soon', (_, text, why) => {
    const { problems, bind } = compileTemplate(text, few.schema);
    expect(problems).toEqual([]);
    const map = bind(few);
    const start = performance.now();
    expect(() => map(0)).toThrow(why);
    expect(() => map(0)).toThrow(MappingError);
    expect(performance.now() - start).toBeLessThan(10_000);
  });

  test('what is within the bounds is done: loops that break off leave nothing behind', () => {
    const text =
      '{% for i in range(3000) %}{% for j in range(9) %}{% if j == 1 %}{% break %}{% endif %}{{ j }}{% endfor %}{% endfor %}';
    expect(compileTemplate(text, few.schema).bind(few)(0)).toBe('0'.repeat(3000));
    expect(compileTemplate(doubled(20, '{{ s | length }}'), few.schema).bind(few)(0)).toBe(String(2 ** 20));
  });

  test('a namespace cannot hold itself', () => {
    const other = batchOf({ title: { type: new Utf8(), values: ['x'] } });
    const text = '{% set ns = namespace(a=1) %}{% set ns.a = ns %}{{ ns | tojson }}';
    expect(() => compileTemplate(text, other.schema).bind(other)(0)).toThrow(/namespace/);
  });

  test('nothing of the process is in reach', () => {
    for (const name of ['process', 'require', 'globalThis', 'this', 'constructor', '__proto__', 'Function']) {
      expect(problems(`{{ ${name} }}`)).toEqual([
        expect.stringContaining(`template names "${name}", which is no column`),
      ]);
    }
  });

  test('a long text of a row is no bomb', () => {
    const text = 'word '.repeat(1_000_000);
    const long = batchOf({ text: { type: new Utf8(), values: [text] } });
    const map = compileTemplate('{{ text | replace("word", "w") | trim }}', long.schema).bind(long);
    expect(map(0).length).toBeLessThan(longestText);
    expect(map(0).startsWith('w w w')).toBe(true);
  });

  test('a column called __proto__ is a column', () => {
    const odd = batchOf({
      __proto__x: { type: new Utf8(), values: ['x'] },
      ['__proto__']: { type: new Utf8(), values: ['mine'] },
    });
    expect(compileTemplate('{{ __proto__ }}', odd.schema).bind(odd)(0)).toBe('mine');
  });

  test('whatever the text of a template: a problem, a text, or a failed row', () => {
    const piece = fc.constantFrom(
      '{{',
      '}}',
      '{%',
      '%}',
      '{#',
      '#}',
      ' title ',
      ' tags ',
      ' for x in ',
      ' endfor ',
      ' if ',
      ' endif ',
      '|',
      'upper',
      '(',
      ')',
      '[',
      ']',
      '.',
      '"',
      "'",
      '\\',
      '\n',
      '-',
      '~',
      ' set a = ',
      'range(9)',
      ',',
      '{',
      '}',
      '1',
      'n',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 20 }), (pieces) => {
        const template = compileTemplate(pieces.join(''), batch.schema);
        if (template.problems.length > 0) return;
        try {
          expect(template.bind(batch)(0)).toBeTypeOf('string');
        } catch (error) {
          expect(error).toBeInstanceOf(MappingError);
        }
      }),
      { numRuns: 2000 },
    );
  });
});
