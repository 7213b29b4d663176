import { describe, expect, test } from 'vitest';
import type { Prediction } from '../../../src/tasks/predictions.ts';
import { writeModel } from '../../models/files.ts';
import { type LookupModel, lookupModel } from '../../models/lookup.ts';
import { temporaryFolder } from '../../temporary.ts';
import { answersOf, runnerOf, texts } from './kit.ts';

function modelFolder(model: LookupModel): string {
  const folder = temporaryFolder();
  writeModel(folder, lookupModel(model));
  return folder;
}

describe('zero-shot-classification', () => {
  const nli = modelFolder.bind(undefined, {
    shape: 'sum',
    words: { happy: [0, 0, 2], sad: [2, 0, 0], joy: [0, 0, 1], grief: [1, 0, 0] },
    other: [0, 0, 0],
    config: { id2label: { 0: 'contradiction', 1: 'neutral', 2: 'entailment' } },
  });

  test('labels of one row share the probability; each stands for itself under multi_label', async () => {
    const runner = await runnerOf(nli(), 'zero-shot-classification');
    const parameters = { candidate_labels: ['grief', 'joy'] };
    const [one, multi] = (await answersOf(runner, [
      { inputs: { text: 'a happy day' }, parameters },
      { inputs: { text: 'a happy day' }, parameters: { ...parameters, multi_label: true } },
    ])) as Prediction[][];
    expect(one!.map(({ label }) => label)).toEqual(['joy', 'grief']);
    expect(one![0]!.score).toBeCloseTo(Math.exp(3) / (Math.exp(3) + Math.exp(2)), 6);
    expect(multi![0]!.score).toBeCloseTo(1 / (1 + Math.exp(-3)), 6);
  });

  test('rows with other labels and numbers of labels share runs and get their own answers', async () => {
    const runner = await runnerOf(nli(), 'zero-shot-classification');
    const questions = Array.from({ length: 40 }, (_, i) => ({
      inputs: { text: i % 2 ? 'a happy day' : 'a sad day' },
      parameters: {
        candidate_labels: ['joy', 'grief', 'day', 'night'].slice(0, 1 + (i % 4)),
        multi_label: true,
      },
    }));
    const { plan } = await runner.prepare(questions);
    expect(plan.length).toBeLessThan(4);
    const answers = (await answersOf(runner, questions)) as Prediction[][];
    for (const [i, question] of questions.entries()) {
      expect(answers[i]).toHaveLength(question.parameters.candidate_labels.length);
      expect((await answersOf(runner, [question]))[0]).toEqual(answers[i]);
    }
  });

  test('a label that is a replacement pattern is taken as it stands', async () => {
    const runner = await runnerOf(nli(), 'zero-shot-classification');
    const question = { inputs: { text: 'x' }, parameters: { candidate_labels: ['$& $1', 'joy'] } };
    const [answer] = (await answersOf(runner, [question])) as Prediction[][];
    expect(answer!.map(({ label }) => label)).toEqual(['joy', '$& $1']);
  });

  test('a text that is too long is cut, the label is not; a label that is too long fails its row alone', async () => {
    const runner = await runnerOf(nli(), 'zero-shot-classification');
    const [cut, refused, fine] = (await answersOf(runner, [
      { inputs: { text: 'word '.repeat(300) }, parameters: { candidate_labels: ['joy', 'grief'] } },
      { inputs: { text: 'a' }, parameters: { candidate_labels: ['joy '.repeat(300), 'grief'] } },
      { inputs: { text: 'a' }, parameters: { candidate_labels: ['joy'] } },
    ])) as [Prediction[], Error, Prediction[]];
    expect(cut[0]).toMatchObject({ label: 'joy' });
    expect(refused.message).toMatch(/cannot be cut/);
    expect(fine[0]?.score).toBeGreaterThan(0.7);
  });

  test('a classifier that knows no entailment is refused before the first row', async () => {
    const folder = modelFolder({
      shape: 'sum',
      words: {},
      other: [0, 0],
      config: { id2label: { 0: 'BAD', 1: 'GOOD' } },
    });
    await expect(runnerOf(folder, 'zero-shot-classification')).rejects.toMatchObject({
      code: 'MODEL_TASK',
      message: expect.stringContaining('has no label "entailment", only BAD, GOOD'),
    });
  });
});

test('a head with one label is a sigmoid: a softmax over it would always say 1', async () => {
  const folder = modelFolder({
    shape: 'sum',
    words: { toxic: [2], kind: [-2] },
    other: [0],
    config: { id2label: { 0: 'toxic' } },
  });
  const answers = await answersOf(await runnerOf(folder, 'text-classification'), texts(['toxic', 'kind']));
  const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
  expect(answers).toEqual([
    [{ label: 'toxic', score: expect.closeTo(sigmoid(2), 6) }],
    [{ label: 'toxic', score: expect.closeTo(sigmoid(-2), 6) }],
  ]);
});

describe('question-answering', () => {
  const qa = modelFolder.bind(undefined, {
    shape: 'spans',
    words: { london: [6, 6], big: [5, 0], town: [1, 5.5], '[CLS]': [1, 1] },
    other: [0, 0],
    config: { architectures: ['XForQuestionAnswering'] },
    maxLength: 24,
  });
  const ask = async (context: string, parameters = {}) => {
    const runner = await runnerOf(qa(), 'question-answering');
    const [answer] = await answersOf(runner, [{ inputs: { question: 'Which town?', context }, parameters }]);
    return answer as { answer: string; start: number; end: number; score: number };
  };

  test('the answer is the original text, with its place in code points', async () => {
    const context = '😀😀 Near LONDON, they say';
    const { answer, start, end } = await ask(context);
    expect({ answer, start, end }).toEqual({ answer: 'LONDON', start: 8, end: 14 });
    expect([...context].slice(start, end).join('')).toBe(answer);
  });

  test('an answer in the question is none, and one begins before it ends', async () => {
    expect((await ask('a town that is big')).answer).toBe('town');
    expect((await ask('a big old town')).answer).toBe('big old town');
    expect((await ask('a big old town', { max_answer_len: 2 })).answer).not.toBe('big old town');
  });

  test('a long context is read in pieces: an answer at its very end is found', async () => {
    const context = `${'word '.repeat(300)}london ${'word '.repeat(3)}`;
    expect(await ask(context)).toMatchObject({ answer: 'london', start: 1500, end: 1506 });
  });

  test('that there is no answer is one when the job allows it', async () => {
    expect(await ask('nothing of the kind', { handle_impossible_answer: true })).toMatchObject({
      answer: '',
      start: 0,
      end: 0,
    });
    expect((await ask('nothing of the kind')).answer).not.toBe('');
  });
});

describe('fill-mask', () => {
  const words = ['red', 'green', 'blue'];
  const mlm = async (text: string, parameters = {}) => {
    // The vocabulary: 4 marks, [MASK], three colours. The mask means red, then green.
    const scores = [0, 0, 0, 0, 0, 3, 2, 1];
    const folder = modelFolder({
      shape: 'tokens',
      words: Object.fromEntries(words.map((word) => [word, [0, 0, 0, 0, 0, 0, 0, 0]])),
      other: scores,
      config: { architectures: ['XForMaskedLM'] },
    });
    const [answer] = await answersOf(await runnerOf(folder, 'fill-mask'), texts([text], parameters));
    return answer;
  };

  test('the best words for a mask, with the text that they make', async () => {
    expect(await mlm('red [MASK] blue', { top_k: 2 })).toMatchObject([
      { token: 5, token_str: 'red', sequence: 'red red blue' },
      { token: 6, token_str: 'green', sequence: 'red green blue' },
    ]);
  });

  test('several masks have a list each', async () => {
    const answer = (await mlm('[MASK] red [MASK]', { top_k: 1 })) as { token_str: string }[][];
    expect(answer).toHaveLength(2);
    expect(answer.map(([best]) => best?.token_str)).toEqual(['red', 'red']);
  });

  test('only among the targets, where the job names them', async () => {
    expect(await mlm('a [MASK]', { targets: ['blue', 'green'] })).toMatchObject([
      { token_str: 'green' },
      { token_str: 'blue' },
    ]);
    expect(await mlm('a [MASK]', { targets: ['pink'] })).toMatchObject({
      message: expect.stringContaining('pink'),
    });
  });

  test('a text without a mask fails its row, and says how the model writes one', async () => {
    expect(await mlm('red blue')).toMatchObject({
      message: 'the text has no mask; this model writes it [MASK]',
    });
  });
});

describe('embeddings', () => {
  const folder = (files: Record<string, unknown> = {}) => {
    const path = modelFolder({
      shape: 'tokens',
      output: 'last_hidden_state',
      words: { east: [3, 0], north: [0, 4], '[CLS]': [1, 1], '[SEP]': [2, 2] },
      other: [0, 0],
      config: { architectures: ['BertModel'] },
      maxLength: 4,
    });
    writeModel(
      path,
      Object.fromEntries(Object.entries(files).map(([name, value]) => [name, JSON.stringify(value)])),
    );
    return path;
  };
  const embed = async (list: readonly string[], parameters = {}, files = {}) =>
    (await answersOf(
      await runnerOf(folder(files), 'feature-extraction'),
      texts(list, parameters),
    )) as Float32Array[];

  test('are the mean over the tokens of the text, whatever it is padded with', async () => {
    const [one, two] = await embed(['east', 'east north']);
    expect([...one!]).toEqual([2, 1]);
    expect([...two!]).toEqual([1.5, 1.75]);
  });

  test('pooling, dimensions and normalize are those of the row', async () => {
    expect([...(await embed(['east'], { pooling: 'cls' }))[0]!]).toEqual([1, 1]);
    const [all] = (await embed(['east'], { pooling: 'none' })) as unknown as Float32Array[][];
    expect(all!.map((vector) => [...vector])).toEqual([
      [1, 1],
      [3, 0],
      [2, 2],
    ]);
    expect([...(await embed(['east'], { dimensions: 1, normalize: true }))[0]!]).toEqual([1]);
    expect((await embed(['east'], { dimensions: 3 }))[0]).toMatchObject({
      message: expect.stringMatching(/dimensions/),
    });
  });

  test('a text that is cut keeps its closing token; it is refused where the job forbids to cut', async () => {
    const long = 'east north east north';
    const [cut] = (await embed([long], { pooling: 'none' })) as unknown as Float32Array[][];
    expect(cut!.map((vector) => [...vector])).toEqual([
      [1, 1],
      [3, 0],
      [0, 4],
      [2, 2],
    ]);
    const [left] = (await embed([long], {
      pooling: 'none',
      truncation_direction: 'left',
    })) as unknown as Float32Array[][];
    expect(left!.map((vector) => [...vector])[1]).toEqual([3, 0]);
    expect((await embed([long], { truncate: false }))[0]).toMatchObject({
      message: 'the text has 6 tokens, the model takes 4',
    });
  });

  test('what sentence-transformers says of a model is followed: pooling, normalising, prompts', async () => {
    const files = {
      'modules.json': [{ type: 'sentence_transformers.models.Normalize' }],
      '1_Pooling/config.json': { pooling_mode_cls_token: true },
      'config_sentence_transformers.json': { prompts: { query: 'north ' }, default_prompt_name: null },
    };
    const [vector] = await embed(['east'], {}, files);
    expect([...vector!]).toEqual([Math.fround(Math.SQRT1_2), Math.fround(Math.SQRT1_2)]);
    const [prompted] = (await embed(
      ['east'],
      { pooling: 'none', normalize: false, prompt_name: 'query' },
      files,
    )) as unknown as Float32Array[][];
    expect(prompted!.map((token) => [...token])).toEqual([
      [1, 1],
      [0, 4],
      [3, 0],
      [2, 2],
    ]);
    expect((await embed(['east'], { prompt_name: 'nope' }, files))[0]).toMatchObject({
      message: 'the model has no prompt "nope", only query',
    });
  });

  test('sentence-similarity is the cosine to each sentence; rows of several sentences share runs', async () => {
    const runner = await runnerOf(folder(), 'sentence-similarity');
    const [scores, none] = (await answersOf(runner, [
      { inputs: { source_sentence: 'east', sentences: ['east', 'north', 'east north'] }, parameters: {} },
      { inputs: { source_sentence: 'east', sentences: [] }, parameters: {} },
    ])) as [number[], Error];
    const cosine = (a: number[], b: number[]) =>
      (a[0]! * b[0]! + a[1]! * b[1]!) / Math.hypot(...a) / Math.hypot(...b);
    expect(scores).toEqual([
      expect.closeTo(1, 6),
      expect.closeTo(cosine([2, 1], [1, 7 / 3]), 6),
      expect.closeTo(cosine([2, 1], [1.5, 1.75]), 6),
    ]);
    expect(none.message).toMatch(/empty/);
  });
});
