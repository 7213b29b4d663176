import { BIGINT, type DuckDBType, LIST, STRUCT, TIMESTAMP, VARCHAR } from '@duckdb/node-api';
import { describe, expect, test } from 'vitest';
import { checkWhere } from '../../src/sources/where.ts';
import { openedHere, read, withDataset } from './kit.ts';

const { engine, folder } = await openedHere();

const types: Record<string, DuckDBType> = {
  id: BIGINT,
  text: VARCHAR,
  user: VARCHAR,
  t: TIMESTAMP,
  tags: LIST(VARCHAR),
  s: STRUCT({ a: BIGINT }),
  'odd "name': VARCHAR,
};
const columns = Object.entries(types).map(([name, type]) => ({ name, type }));

describe('a condition over the row is let pass', () => {
  test.each([
    'true',
    'id > 1 AND length(text) > 10',
    'id = 1 OR\n id = 2 -- a comment',
    "id IN (1, 2) AND text NOT IN ('a', 'b')",
    "text LIKE '%a%' OR text ILIKE 'A_' OR text SIMILAR TO 'a.*' OR text GLOB '*x*'",
    "regexp_matches(text, '^a+$') AND text ~ 'a'",
    "trim(text) <> '' AND text.lower() = 'a' AND main.upper(text) = 'A'",
    "tags[1] = 'a' AND len(tags) > 0 AND list_contains(tags, 'a') AND array_has_any(tags, ['a'])",
    "list_filter(tags, lambda x: x = 'a') = ['b'] AND [x FOR x IN tags IF x = 'a'] = ['a']",
    's.a BETWEEN 1 AND 2 AND {a: 1}.a = 1 AND MAP {1: 2}[1] = 2',
    "t >= '2026-01-01' AND t < TIMESTAMP '2026-02-01' AND t + INTERVAL 1 DAY > DATE '2026-01-01'",
    "year(t) = 2026 AND date_trunc('day', t) = DATE '2026-01-01' AND age(t, t) < INTERVAL 1 DAY",
    "text->>'$.lang' = 'en' AND json_extract_string(text, '$.a') = 'b'",
    "CASE WHEN id = 1 THEN coalesce(text, '') <> '' ELSE TRY_CAST(text AS INTEGER) > 3 END",
    "hash(id) % 10 = 0 AND md5(text) < '8' AND repeat(text, 2) <> ''",
    'user = \'bob\' AND "odd ""name" IS NULL AND id IS DISTINCT FROM 3',
    "text = 'SELECT 1; DROP TABLE x -- read_text(''/etc/passwd'')'",
  ])('%s', async (where) => {
    await expect(checkWhere(engine, where, columns)).resolves.toBeUndefined();
  });
});

describe('a condition that is more than one, or reaches outside the row, is refused before the run', () => {
  test.each<[string, string[]]>([
    ['no expression', ['', ' ', '--', '/* */', 'id >', 'DEFAULT']],
    [
      'more than an expression',
      [
        'true; DROP TABLE x',
        'id > 1; SELECT 1',
        'true) UNION SELECT (true',
        'true\n) OR (true',
        'id > 1 -- x\n) OR (true',
        'id > 1)--',
        '1=1) OR (SELECT true) --',
        'id > 1 ORDER BY 1',
        'id > 1 LIMIT 1',
        'id > 1 FROM x',
        'id > 1 AS x',
        'id > 1, true',
        'DISTINCT id > 1',
        'true\0',
      ],
    ],
    [
      'a subquery',
      [
        '(SELECT true)',
        'EXISTS (SELECT 1)',
        'id IN (SELECT 1)',
        'id IN (VALUES (1))',
        'id = ALL(SELECT 1)',
        'ARRAY(SELECT 1) = [1]',
        'text IN (FROM tbl)',
        "text = (FROM read_text('/etc/passwd') LIMIT 1)",
        'list_transform(tags, lambda x: (SELECT x)) IS NULL',
        '[x FOR x IN tags IF (SELECT true)] IS NULL',
        'CASE WHEN true THEN EXISTS (SELECT 1) END',
      ],
    ],
    [
      'files, settings and the environment',
      [
        "read_text('/etc/passwd') IS NULL",
        "read_blob('/etc/passwd') IS NULL",
        "glob('/etc/*') IS NULL",
        "sniff_csv('/etc/passwd') IS NULL",
        "parquet_metadata('x') IS NULL",
        'json_execute_serialized_sql(text) IS NULL',
        "json_serialize_plan('FROM read_text(''/etc/passwd'')') IS NULL",
        "query('SELECT 1')",
        "query_table('x')",
        'duckdb_secrets() IS NULL',
        "getenv('HOME') = ''",
        "GetEnv /* x */ ('HOME') = ''",
        "\"getenv\"('HOME') = ''",
        'text.getenv() IS NULL',
        'list_transform(tags, x -> getenv(x)) IS NULL',
        "tags[getenv('a')::INT] = 'x'",
        "current_setting('memory_limit') = ''",
        "main.current_setting('memory_limit') = ''",
        "system.main.current_setting('memory_limit') = ''",
        "getvariable('x') = 1",
        "set_config('a', 'b')",
        'pg_typeof(id) = text',
        'version() = text',
        'current_database() = text',
        'session_user = text',
        'nextval(text) > 0',
        "write_log('x') IS NULL",
      ],
    ],
    [
      'another answer tomorrow',
      [
        'id = random()',
        'uuid() = text',
        'apply(tags, x -> random()) IS NULL',
        't < now()',
        't < current_timestamp',
        't < localtimestamp',
        'today() > t',
        'age(t) > INTERVAL 1 DAY',
        'ago(INTERVAL 1 DAY) < t',
        "t < 'now'",
        "t < TIMESTAMP 'today'",
        'sleep_ms(1000) IS NULL',
        "error('x') IS NULL",
      ],
    ],
    [
      'other rows',
      [
        'sum(id) > 1',
        'count(*) > 1',
        'row_number() OVER () > 1',
        'unnest(tags) = text',
        'GROUPING(id) = 1',
        '*',
        'COLUMNS(*) IS NULL',
        '#1 > 3',
        'id = $1',
        'id = ?',
      ],
    ],
    ['columns that are not there', ['nope = 1', 'rowid > 1', '__row > 1', '__error IS NULL', 'id IN tbl']],
    ['neither true nor false', ['id', "'a'", 'NULL', 'text || text']],
    ['values that cannot be', ["id = 'x'", "t > '2026-02-30'", "length(repeat('a', 10000000000)) > 1"]],
  ])('%s', async (_, conditions) => {
    for (const where of conditions) {
      const expected = { code: 'SOURCE_WHERE', exit: 2, next: expect.stringMatching(/./) };
      await expect(checkWhere(engine, where, columns), where).rejects.toMatchObject(expected);
    }
  });

  test('a misspelt column gets the nearest name', async () => {
    await expect(checkWhere(engine, 'txet IS NULL', columns)).rejects.toMatchObject({
      message: 'source.where has an unknown column: txet',
      next: 'Did you mean text?',
    });
  });

  test('a misspelt column gets the nearest name also where no real one is named beside it', async () => {
    await expect(checkWhere(engine, "tgas = ['a']", columns)).rejects.toMatchObject({
      message: 'source.where has an unknown column: tgas',
      next: 'Did you mean tags?',
    });
  });

  test('a text in double quotes is explained', async () => {
    await expect(checkWhere(engine, 'text = "english"', columns)).rejects.toMatchObject({
      next: expect.stringMatching(/^A text stands in single quotes: 'english'\./),
    });
  });

  test('a condition that ends too soon is not blamed on a bracket that nobody wrote', async () => {
    await expect(checkWhere(engine, 'id = 1 OR', columns)).rejects.toMatchObject({
      message: expect.stringMatching(/\(syntax error at end of input\)$/),
    });
  });
});

describe('rows', () => {
  test.each([
    ['jsonl', '{"id":1,"odd \\"name":"a"}\n{"id":2,"odd \\"name":"b"}\n{"id":3}\n'],
    ['csv', 'id,"odd ""name"\n1,a\n2,b\n3,\n'],
  ])('a condition reads columns that are not asked for, of %s', async (format, content) => {
    const path = folder.write(`dt=2026-11-01/w.${format}`, content);
    const where = `"odd ""name" <> 'a' AND dt = DATE '2026-11-01' -- the end`;
    const { rows } = await read(engine, path, { columns: ['id'], where });
    expect(rows).toEqual([{ id: 2n }]);
  });

  test('columns of types that SQL cannot write are no hindrance to a condition over others', async () => {
    const path = folder.write('union.parquet', '');
    await engine.run(`COPY (SELECT range AS id, union_value(num := 3) AS u FROM range(3)) TO '${path}'`);
    await withDataset(engine, path, async (dataset) => {
      await expect(dataset.checkWhere('id > 1')).resolves.toBeUndefined();
    });
    expect((await read(engine, path, { columns: ['id'], where: 'id > 1' })).rows).toEqual([{ id: 2n }]);
  });

  test('a row that cannot be read passes every condition, so that it is told as failed and not as filtered', async () => {
    const path = folder.write('torn.jsonl', '{"id":1}\n{"id":\n{"id":3}\n');
    const { rows } = await read(engine, path, { where: 'id > 2' });
    expect(rows).toEqual([{ __row: 1n, __error: expect.stringMatching(/^line 2: /), id: null }, { id: 3n }]);
  });

  test('a condition that fails on a value says so with the file and with what helps', async () => {
    const path = folder.write('cast.jsonl', '{"a":"1"}\n{"a":"x"}\n');
    await withDataset(engine, path, async (dataset) => {
      const where = 'a::INTEGER > 0';
      await dataset.checkWhere(where);
      const batches = dataset.read({ file: dataset.files[0]!, start: 0, rows: 2 }, { columns: ['a'], where });
      await expect(batches.next()).rejects.toMatchObject({
        code: 'SOURCE_READ',
        message: expect.stringContaining(path),
        next: expect.stringContaining('TRY_CAST'),
      });
    });
  });
});
