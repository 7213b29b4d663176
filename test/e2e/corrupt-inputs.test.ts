import { fork } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { filesIn, sharedData } from '../sources/shared-files.ts';
import { openFolder, type TemporaryFolder } from '../temporary.ts';
import type { DamagedJob, Ended } from './corrupt-jobs.ts';

/** A job over a table or text; its rows are all kept, so that all columns are read. */
function rowsOf(path: string, changes: { format?: string; text?: unknown } = {}): DamagedJob {
  const { format, text = { value: 'x' } } = changes;
  return {
    source: { path, ...(format === undefined ? {} : { format }) },
    task: 'text-classification',
    inputs: { text },
    keep: '*',
  };
}

/** A job over all files of a folder, a row each. */
function mediaOf(kind: 'images' | 'audio', model?: string): DamagedJob {
  return {
    source: { path: join(sharedData, kind), format: 'files' },
    task: kind === 'images' ? 'image-classification' : 'audio-classification',
    inputs: { [kind === 'images' ? 'image' : 'audio']: 'content' },
    keep: ['path'],
    ...(model === undefined ? {} : { model: join(sharedData, '../models', model) }),
  };
}

const parquet = filesIn('parquet-testing-sample', /(^(ARROW|PARQUET)-|corrupt|malformed).*\.parquet$/);
const arrow = filesIn('arrow-testing', /fuzz|^crash-/);
const json = [...filesIn('json/JSONTestSuite/test_parsing', /^n_/), ...filesIn('json/duckdb/malformed', /./)];
const csv = [
  ...['error', 'rejects', 'broken', 'afl', 'fuzzing'].flatMap((name) => filesIn(`csv/duckdb/${name}`, /./)),
  ...filesIn('csv/duckdb', /^(only_latin1|invalid_utf_list|null_terminator|simple_unterminated_quote)\.csv$/),
  ...filesIn('arrow-testing/csv/fuzzing', /./),
];

/** Templates over a column that is damaged: it is read before a request then, and not only at the end. */
const mapped: Record<string, string> = {
  'ARROW-GH-43605.parquet': '{{ min_fl }}',
  'datapage_v1-corrupt-checksum.parquet': '{{ a }}',
  'rle-dict-uncompressed-corrupt-checksum.parquet': '{{ long_field }}',
};

const jobs = new Map<string, DamagedJob>([
  ...parquet.map(([name, path]) => {
    const text = mapped[name.replace(/.*\//, '')];
    return [name, rowsOf(path, text === undefined ? {} : { text })] as const;
  }),
  ...arrow.map(([name, path]) => [name, rowsOf(path, { format: 'arrow' })] as const),
  ...json.map(([name, path]) => [name, rowsOf(path, { format: 'jsonl' })] as const),
  ...csv.map(([name, path]) => [name, rowsOf(path, { format: 'csv' })] as const),
  ['images', mediaOf('images')],
  ['audio', mediaOf('audio')],
]);
const models = join(sharedData, '../models');
if (existsSync(models)) {
  jobs.set('images, decoded', mediaOf('images', 'vladmandic/human-emotion'));
  jobs.set('audio, decoded', mediaOf('audio', 'snakers4/silero-vad-speech-classifier'));
}

/** One of the JSON test suite's files is 100,000 signs, and none takes more than a second. */
const patienceMs = 20_000;

/** Runs all jobs in one process. Rejects with the name of the job that ended or stopped it. */
function runAll(list: readonly [string, DamagedJob][]): Promise<Map<string, Ended>> {
  const child = fork(join(import.meta.dirname, 'corrupt-jobs.ts'), [], { execArgv: ['--import', 'tsx'] });
  const found = new Map<string, Ended>();
  return new Promise((resolve, reject) => {
    const atWork = () => list[found.size]?.[0];
    const stopped = () => {
      reject(new Error(`${atWork()}: nothing for ${patienceMs} ms`));
      child.kill('SIGKILL');
    };
    let timer = setTimeout(stopped, patienceMs);
    child.on('message', (ended: Ended) => {
      found.set(atWork()!, ended);
      clearTimeout(timer);
      timer = setTimeout(stopped, patienceMs);
    });
    child.on('exit', (code, signal) => {
      clearTimeout(timer);
      if (found.size === list.length && code === 0) resolve(found);
      else reject(new Error(`${atWork() ?? 'the end'}: the process ended with ${signal ?? code}`));
    });
    child.send(list.map(([, job]) => job));
  });
}

describe.skipIf(!existsSync(sharedData))('a job over damaged files of the shared data', () => {
  let folder: TemporaryFolder;
  let outcomes: Map<string, Ended>;
  beforeAll(async () => {
    folder = openFolder();
    jobs.set('rows between sound ones', rowsOf(folder.write('rows.jsonl', tornRows())));
    outcomes = await runAll([...jobs]);
  }, 120_000);
  afterAll(() => folder[Symbol.dispose]());

  const of = (name: string): Ended => outcomes.get(name)!;
  /** Lines of the rows that failed to be read, in order. */
  const failedLines = ({ rows }: Ended) =>
    rows.flatMap(({ error }) => {
      if (error === null) return [];
      expect(error).toMatch(/^read bad_row: line \d+: ./);
      return [Number(/line (\d+)/.exec(String(error))![1])];
    });
  const refused = (name: string) => {
    const { exit, message, next, sent } = of(name);
    expect({ exit, sent }, message).toEqual({ exit: 3, sent: [] });
    expect(message).toContain(join(sharedData, name));
    expect(message).toMatch(/^source .*\(.+\)$|^source column .*/);
    expect(next).toMatch(/./);
    // Words of JavaScript's own say nothing to a user.
    expect(message).not.toMatch(/DataView|undefined|typed array|stack|not a function/i);
    return message;
  };

  test('ends with a word on the file, or with failed rows that say their line; none takes a gigabyte', () => {
    expect(outcomes.size).toBeGreaterThan(140);
    for (const [name, ended] of outcomes) {
      expect(ended.peakMb, name).toBeLessThan(1024);
      if (ended.exit !== 0) {
        refused(name);
        continue;
      }
      const { ledger, rows } = ended;
      expect(ledger, name).toMatchObject({ read: rows.length, pending: 0 });
      expect(ledger?.failed, name).toBe(rows.filter(({ error }) => error !== null).length);
    }
  });

  describe('Parquet', () => {
    test.each([
      ['bad_data/ARROW-GH-41317', /geometry/],
      ['bad_data/ARROW-GH-47662', /Out of buffer/],
      ['data/datapage_v1-corrupt-checksum', /column a is damaged: the page at byte 4 does not fit/],
      ['data/rle-dict-uncompressed-corrupt-checksum', /column long_field is damaged: the page at byte 4/],
    ])('%s is refused: %s', (name, words) => {
      expect(refused(`parquet-testing-sample/${name}.parquet`)).toMatch(words);
    });

    test('what is odd but tells all of its values is read', () => {
      // Indices of no bits each: all are 0, and so is the one value of the dictionary.
      const zeros = of('parquet-testing-sample/bad_data/ARROW-GH-43605.parquet');
      expect(zeros.rows).toHaveLength(21_186);
      expect(new Set(zeros.rows.map((row) => row.min_fl))).toEqual(new Set([0]));
      // A page that claims 21 values; its one row group and its column have one, and that one is there.
      const levels = of('parquet-testing-sample/bad_data/ARROW-RS-GH-6229-LEVELS.parquet');
      expect(levels.rows).toEqual([{ outer: [{ c: null }], error: null }]);
      const nations = of('parquet-testing-sample/data/nation.dict-malformed.parquet').rows;
      expect(nations.map((row) => row.nation_key)).toEqual(Array.from({ length: 25 }, (_, i) => i));
      const names = nations.map((row) => Buffer.from(String(row.name), 'base64').toString());
      expect(names.slice(0, 3)).toEqual(['ALGERIA', 'ARGENTINA', 'BRAZIL']);
      expect(new Set(names).size).toBe(25);
    });
  });

  test.each(arrow.map(([name]) => name))('%s is refused', (name) => {
    refused(name);
  });

  describe('JSON', () => {
    test.each(json.map(([name]) => name).filter((name) => !name.includes('malformed/union/')))(
      '%s is refused',
      (name) => {
        refused(name);
      },
    );

    test('each torn value between sound rows is a failed row with its line; the sound ones have their answers', () => {
      const { rows, exit } = of('rows between sound ones');
      expect(exit).toBe(0);
      const torn = tornRows().toString('latin1').trimEnd().split('\n');
      const sound = torn.map((line) => /^\{"id":"\d+","v":true\}$/.test(line));
      expect(sound.filter((isSound) => isSound).length).toBeGreaterThan(90);
      expect(rows.map(({ error }) => error === null)).toEqual(sound);
      expect(failedLines(of('rows between sound ones'))).toEqual(
        sound.flatMap((isSound, i) => (isSound ? [] : [i + 1])),
      );
    });

    test('files that are sound alone are read', () => {
      expect(of('json/duckdb/malformed/union/bad_key.ndjson').rows).toEqual([
        { data: { level: 0 }, error: null },
      ]);
      expect(of('json/duckdb/malformed/union/non_object.ndjson').rows).toEqual([{ data: 0, error: null }]);
    });
  });

  describe('CSV', () => {
    test.each([
      ['rejects/frankstein/nightmare', 47, [10, 14, 22, 38]],
      ['rejects/multiple_errors/multiple_errors', 7, [6]],
      ['rejects/multiple_errors/less_col_and_max_line', 3, [4]],
      ['rejects/multiple_errors/invalid_utf_cast', 2, [3]],
      ['rejects/unquoted/basic', 7, [5]],
      ['fuzzing/8', 4, [3]],
      ['fuzzing/10', 5, [3, 5]],
      ['fuzzing/15', 6, [5, 6]],
      ['fuzzing/24', 9, [4, 5]],
      ['multidelimiter/simple_unterminated_quote', 1, [1]],
      ['test/invalid_utf_list', 20, [11]],
    ])('%s: of %i rows those of lines %j fail', (name, rows, lines) => {
      const ended = of(`csv/duckdb/${name}.csv`);
      expect(ended).toMatchObject({ exit: 0, ledger: { read: rows, failed: lines.length } });
      expect(failedLines(ended)).toEqual(lines);
    });

    test.each([
      ['encodings/only_latin1', /line 1 is not UTF-8/],
      ['fuzzing/38', /column cannot have this name/],
      ['null_terminator', /column cannot have this name/],
    ])('%s is refused: %s', (name, words) => {
      expect(refused(`csv/duckdb/${name}.csv`)).toMatch(words);
    });

    test('what is broken only for one who expects other types is read as text', () => {
      const last = (name: string) => of(`csv/duckdb/error/${name}.csv`).rows.at(-1);
      expect(last('date_multiple_file/0')).toEqual({ date: '1991-12-18', error: null });
      expect(last('mismatch/small1')).toEqual({ COL1: 'X', COL2: 'Y', error: null });
      expect(last('mismatch/bad')).toMatchObject({ column0: 6, column1: '7', column2: 'CCC' });
      expect(of('csv/duckdb/error/time.csv').rows.map((row) => row['00:01:01'])).toContain('bla');
      expect(new Set(of('csv/duckdb/error/mismatch/half1.csv').rows.map((row) => row.num))).toEqual(
        new Set(['1', 'A']),
      );
    });
  });

  describe.each(['images', 'audio'] as const)('%s', (kind) => {
    /** Why rows failed, by the name of their file. */
    const failures = ({ rows }: Ended): Record<string, string> =>
      Object.fromEntries(
        rows.flatMap(({ path, error }) =>
          error === null ? [] : [[String(path).replace(/.*\//, ''), String(error)]],
        ),
      );
    /** Files that are none of the kind by their first bytes. */
    const impostors: Record<typeof kind, object> = {
      images: {},
      audio: {
        'malformed.flac': expect.stringMatching(/^map bad_input: "audio" is not a sound: begins with 00/),
        'ASR_train.csv': expect.stringMatching(/is not a sound but a text/),
        'empty_file.m4a': expect.stringMatching(/holds no bytes/),
        'ilbm.aiff': expect.stringMatching(/is not a sound: begins with 46 4f 52 4d/),
        'invalid_file.flac': expect.stringMatching(/is not a sound: begins with 00/),
      },
    };

    test('an API gets every file as it is, whole, but for those that are none: they are failed rows', () => {
      const { exit, rows, sent } = of(kind);
      expect(exit).toBe(0);
      expect(failures(of(kind))).toEqual(impostors[kind]);
      const good = rows.filter(({ error }) => error === null).map(({ path }) => String(path));
      const sums = good.map((path) => createHash('sha256').update(readFileSync(path)).digest('hex'));
      expect(sent.sort()).toEqual(sums.sort());
    });

    /** Files that no decoder of ours takes: damaged, cut off, or of a format that is refused with what to do. */
    const undecodable: Record<typeof kind, object> = {
      images: {
        'broken.png': expect.stringMatching(/corrupt header/),
        'broken_data_stream.png': expect.stringMatching(/libpng read error/),
        'decompression_bomb.gif': expect.stringMatching(/Unexpected end of GIF/),
        'hopper.bmp': expect.stringMatching(/unsupported image format/),
        'truncated_image.png': expect.stringMatching(/libpng read error/),
        'truncated_jpeg.jpg': expect.stringMatching(/premature end of JPEG/),
        'zero_width.gif': expect.stringMatching(/Unexpected end of GIF/),
      },
      audio: {
        'id3_genre_id_out_of_bounds.mp3': expect.stringMatching(/no sound in it/),
        'mpeg1_44khz.mp3': expect.stringMatching(/no sound in it/),
        'test1_empty.wav': expect.stringMatching(/the sound is empty/),
        'title_after_image.mp3': expect.stringMatching(/no sound in it/),
        'variable-block.flac': expect.stringMatching(/cut off: it has 39936 of 11540088 samples/),
        'vbri.mp3': expect.stringMatching(/cut off: it has 17 of 8506 frames/),
        'zero_value_properties.wav': expect.stringMatching(/0 channels of 0 bits/),
      },
    };

    test.skipIf(!existsSync(models))(
      'a local model answers for those that can be decoded; a bad one is one failed row',
      () => {
        const ended = of(`${kind}, decoded`);
        expect(ended.exit).toBe(0);
        const found = failures(ended);
        expect(found).toMatchObject({ ...impostors[kind], ...undecodable[kind] });
        // Of formats that are not read there are more, and it is said how to convert them.
        const others = Object.keys(found).filter(
          (name) => !(name in impostors[kind]) && !(name in undecodable[kind]),
        );
        for (const name of others)
          expect(found[name]).toMatch(/ffmpeg -i in|in format 85, which is not read/);
        expect(ended.ledger!.succeeded).toBeGreaterThan(35);
      },
    );
  });
});

/**
 * A JSONL file in which each invalid value of the JSON test suite stands as the value of a row, and a sound row after
 * each. A value of several lines makes several rows that are torn.
 */
function tornRows(): Buffer {
  const lines = filesIn('json/JSONTestSuite/test_parsing', /^n_/).flatMap(([, path], i) => [
    Buffer.from(`{"id":"${i}","v":`),
    // A blank line is no row.
    Buffer.from(
      readFileSync(path)
        .toString('latin1')
        .replace(/\s*\n\s*/g, '\n'),
      'latin1',
    ),
    Buffer.from(`}\n{"id":"${i}","v":true}\n`),
  ]);
  return Buffer.concat(lines);
}
