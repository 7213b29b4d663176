import { afterEach, expect, test, vi } from 'vitest';
import { tokensPerRun } from '../../../src/backends/onnx/packing.ts';
import { Session } from '../../../src/backends/onnx/session.ts';
import { writeModel } from '../../models/files.ts';
import { modelBytes } from '../../models/graph.ts';
import { lookupModel } from '../../models/lookup.ts';
import { temporaryFolder } from '../../temporary.ts';
import { answersOf, runnerOf, texts } from './kit.ts';

afterEach(() => void vi.restoreAllMocks());

test.each([
  ['feature-extraction', 'tokens', 'last_hidden_state'],
  ['text-classification', 'sum', 'logits'],
  ['token-classification', 'tokens', 'logits'],
  ['question-answering', 'spans', undefined],
] as const)(
  'the first run of a %s model is as large as any: memory is laid out by it',
  async (task, shape, output) => {
    for (const maxLength of [64, 200, 512, 8192]) {
      const folder = temporaryFolder();
      const name = output === undefined ? {} : { output };
      writeModel(folder, lookupModel({ shape, ...name, words: {}, other: [0, 1], config: {}, maxLength }));
      const run = vi.spyOn(Session.prototype, 'run');
      await runnerOf(folder, task);
      const { dims } = run.mock.calls[0]![0].input_ids!;
      const length = Math.min(maxLength, tokensPerRun);
      expect(dims).toEqual([Math.floor(tokensPerRun / length), length]);
      run.mockRestore();
    }
  },
);

test('a model that takes fewer tokens than its files say answers what is short enough', async () => {
  const folder = temporaryFolder();
  const files = lookupModel({ shape: 'tokens', words: {}, other: [0, 1], config: {}, maxLength: 512 });
  const numbers = (...dims: number[]) => ({
    type: 'float32' as const,
    dims,
    data: new Array<number>(dims.reduce((product, n) => product * n)).fill(1),
  });
  const whole = (data: number) => ({ type: 'int64' as const, dims: [], data: [data] });
  const output = 'last_hidden_state';
  writeModel(folder, {
    ...files,
    'onnx/model.onnx': modelBytes({
      inputs: [{ name: 'input_ids', type: 'int64', dims: ['batch', 'tokens'] }],
      outputs: [{ name: output, type: 'float32', dims: ['batch', 'tokens', 2] }],
      constants: { words: numbers(9, 2), places: numbers(32, 2), zero: whole(0), one: whole(1) },
      nodes: [
        { op: 'Shape', inputs: ['input_ids'], outputs: ['shape'] },
        { op: 'Gather', inputs: ['shape', 'one'], outputs: ['length'] },
        { op: 'Range', inputs: ['zero', 'length', 'one'], outputs: ['order'] },
        { op: 'Gather', inputs: ['places', 'order'], outputs: ['placed'] },
        { op: 'Gather', inputs: ['words', 'input_ids'], outputs: ['found'] },
        { op: 'Add', inputs: ['found', 'placed'], outputs: [output] },
      ],
    }),
  });
  const runner = await runnerOf(folder, 'feature-extraction');
  expect(await answersOf(runner, texts(['short']))).toEqual([Float32Array.of(2, 2)]);
  await expect(answersOf(runner, texts(['word '.repeat(40)]))).rejects.toThrow(/Non-zero status code/);
});
