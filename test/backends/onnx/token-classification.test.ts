import { describe, expect, test } from 'vitest';
import { writeModel } from '../../models/files.ts';
import { lookupModel } from '../../models/lookup.ts';
import {
  grouped,
  overlapsResolved,
  type Token,
  tokensAsEntities,
  wordsOf,
} from '../../../src/backends/onnx/heads/entities.ts';
import { tokenClassification } from '../../../src/backends/onnx/heads/token-classification.ts';
import { Tokenizer } from '../../../src/backends/onnx/tokenizer.ts';
import { temporaryFolder } from '../../temporary.ts';
import { answersOf, runnerOf, texts } from './kit.ts';

const labels = ['O', 'B-PER', 'I-PER', 'B-LOC', 'I-LOC'];
const sure = (label: string) => labels.map((name) => (name === label ? 9 : 0));

async function ner(list: readonly string[], parameters = {}): Promise<unknown[]> {
  const folder = temporaryFolder();
  writeModel(
    folder,
    lookupModel({
      shape: 'tokens',
      words: { anna: sure('B-PER'), smith: sure('I-PER'), paris: sure('B-LOC'), oslo: sure('I-LOC') },
      other: sure('O'),
      config: {
        architectures: ['XForTokenClassification'],
        id2label: Object.fromEntries(labels.entries()),
      },
      maxLength: 8,
    }),
  );
  return answersOf(await runnerOf(folder, 'token-classification'), texts(list, parameters));
}

describe('entities', () => {
  test('stand where they stand in the original text, counted in code points', async () => {
    const text = '😀 Anna Smith 😀 saw Paris';
    const [entities] = (await ner([text])) as { entity_group: string; start: number; end: number }[][];
    expect(entities).toMatchObject([
      { entity_group: 'PER', word: 'anna smith', start: 2, end: 12 },
      { entity_group: 'LOC', word: 'paris', start: 19, end: 24 },
    ]);
    expect(entities!.map(({ start, end }) => [...text].slice(start, end).join(''))).toEqual([
      'Anna Smith',
      'Paris',
    ]);
  });

  test('of a tokenizer without marks go on a word where no space is before them', async () => {
    const first = { aggregation_strategy: 'first' };
    const [joined, apart] = (await ner(['anna/oslo', 'anna oslo'], first)) as unknown[][];
    expect(joined).toMatchObject([{ entity_group: 'PER', start: 0, end: 9 }]);
    expect(apart).toMatchObject([
      { entity_group: 'PER', start: 0, end: 4 },
      { entity_group: 'LOC', start: 5, end: 9 },
    ]);
  });

  test('with a word between them are two, also where the second goes on as if there were none', async () => {
    const [entities] = (await ner(['oslo and oslo'])) as unknown[][];
    expect(entities).toMatchObject([
      { entity_group: 'LOC', start: 0, end: 4 },
      { entity_group: 'LOC', start: 9, end: 13 },
    ]);
  });

  test('with nothing between them are two where the second begins anew', async () => {
    const [entities] = (await ner(['anna anna smith'])) as unknown[][];
    expect(entities).toMatchObject([
      { start: 0, end: 4 },
      { start: 5, end: 15 },
    ]);
  });

  test('under `none` are tokens with their labels; ignored labels are left out', async () => {
    const [tokens] = await ner(['anna smith left'], { aggregation_strategy: 'none' });
    expect(tokens).toMatchObject([
      { entity_group: 'B-PER', word: 'anna' },
      { entity_group: 'I-PER', word: 'smith' },
    ]);
    const [places] = await ner(['anna saw paris'], { ignore_labels: ['O', 'PER'] });
    expect(places).toMatchObject([{ entity_group: 'LOC' }]);
  });

  test('behind the end of what the model takes are found with stride, once', async () => {
    const long = 'anna smith saw the city of old paris and then she saw oslo';
    const [cut] = (await ner([long])) as unknown[][];
    expect(cut).toHaveLength(1);
    const [all] = await ner([long], { stride: 3 });
    expect(all).toMatchObject([
      { entity_group: 'PER', start: 0, end: 10 },
      { entity_group: 'LOC', start: 31, end: 36 },
      { entity_group: 'LOC', start: 54, end: 58 },
    ]);
  });

  test('on the border of two windows are whole with stride: the windows overlap', async () => {
    // Six words to a window: the first one ends with the first name.
    const [entities] = await ner(['then we saw the tall anna smith again'], { stride: 3 });
    expect(entities).toMatchObject([{ entity_group: 'PER', word: 'anna smith', start: 21, end: 31 }]);
  });

  test('of one window stand beside what another one took for no entity, however long that is', async () => {
    // Cut off from its context, a name at the end of a window is often none.
    const windows = [
      ['O', 'O', 'O'],
      ['O', 'B-PER', 'O'],
    ];
    expect(await inWindows('saw the Anna left', windows)).toMatchObject([
      { entity_group: 'PER', start: 8, end: 12 },
    ]);
  });
});

/** Entities of a text that was cut into two windows, which have all but one word in common. */
async function inWindows(text: string, windows: readonly string[][]): Promise<unknown> {
  const folder = temporaryFolder();
  const words = Object.fromEntries(
    text
      .toLowerCase()
      .split(' ')
      .map((word) => [word, [0]]),
  );
  writeModel(folder, lookupModel({ shape: 'tokens', words, other: [0], config: {}, maxLength: 5 }));
  const config = { id2label: Object.fromEntries(labels.entries()) };
  const tokenizer = await Tokenizer.open(folder, config);
  const head = tokenClassification('owner/model', config, tokenizer);
  const question = { inputs: { text }, parameters: { stride: 2 } };
  const [encoding] = await tokenizer.encode([{ text }], head.truncation(question));
  if (encoding === undefined || encoding instanceof Error) throw encoding;
  const sequences = [encoding, ...encoding.getOverflowing()].map((each) => ({
    ids: each.getIds(),
    encoding: each,
    text: 0,
  }));
  expect(sequences.map(({ ids }) => ids.length)).toEqual(windows.map((tokens) => tokens.length + 2));
  const logits = windows.map((tokens) => Float32Array.from(['O', ...tokens, 'O'].flatMap(sure)));
  return head.answer(question, logits, sequences);
}

describe('aggregation strategies', () => {
  const token = (id: number, insideWord: boolean, ...scores: number[]): Token => ({
    id,
    word: `t${id}`,
    scores: Float64Array.from(scores),
    start: id,
    end: id + 1,
    insideWord,
  });
  // One word of three tokens that do not agree.
  const tokens = [
    token(0, false, 0.1, 0.6, 0.3),
    token(1, true, 0.35, 0.05, 0.6),
    token(2, true, 0.75, 0.2, 0.05),
  ];
  const names = ['O', 'B-PER', 'B-LOC'];
  const decode = (ids: number[]) => Promise.resolve(ids.join('+'));

  test.each([
    ['first', [{ entity_group: 'PER', score: 0.6, word: '0+1+2', start: 0, end: 3 }]],
    ['average', [{ entity_group: 'O', score: 0.4, word: '0+1+2', start: 0, end: 3 }]],
    ['max', [{ entity_group: 'O', score: 0.75, word: '0+1+2', start: 0, end: 3 }]],
    [
      'simple',
      [
        { entity_group: 'PER', score: 0.6, word: '0', start: 0, end: 1 },
        { entity_group: 'LOC', score: 0.6, word: '1', start: 1, end: 2 },
        { entity_group: 'O', score: 0.75, word: '2', start: 2, end: 3 },
      ],
    ],
  ] as const)('%s', async (strategy, expected) => {
    const entities = await grouped(wordsOf(tokens, names, strategy), decode);
    expect(entities.map((entity) => ({ ...entity, score: Number(entity.score.toFixed(6)) }))).toEqual(
      expected,
    );
  });

  test('none', () => {
    expect(tokensAsEntities(tokens, names).map(({ entity_group }) => entity_group)).toEqual([
      'B-PER',
      'B-LOC',
      'O',
    ]);
  });

  test('of entities that overlap the longest counts, then the surest', () => {
    const entity = (start: number, end: number, score: number) => ({
      entity_group: 'X',
      word: '',
      start,
      end,
      score,
    });
    expect(overlapsResolved([entity(5, 9, 0.5), entity(0, 3, 0.9), entity(1, 6, 0.2)])).toEqual([
      entity(1, 6, 0.2),
    ]);
    expect(overlapsResolved([entity(0, 3, 0.4), entity(0, 3, 0.9), entity(3, 4, 0.1)])).toEqual([
      entity(0, 3, 0.9),
      entity(3, 4, 0.1),
    ]);
  });
});
