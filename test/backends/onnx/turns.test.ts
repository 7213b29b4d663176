import { expect, test } from 'vitest';
import type { FromWorker } from '../../../src/backends/onnx/protocol.ts';
import { RowRunner } from '../../../src/backends/onnx/row-runner.ts';
import type { Runner } from '../../../src/backends/onnx/runner.ts';
import { Turns } from '../../../src/backends/onnx/turns.ts';
import { Unanswerable } from '../../../src/tasks/task.ts';
import { texts } from './kit.ts';

/** Rows whose model lets no answer go before everything else that can happen has happened. */
function recorded(options: { mayReadAhead?: (text: string) => boolean; broken?: string } = {}) {
  const events: string[] = [];
  const textOf = ({ inputs }: { inputs: Record<string, unknown> }) => String(inputs.text);
  const runner = new RowRunner<string>({
    read: async (question) => {
      const text = textOf(question);
      events.push(`read ${text}`);
      if (text === options.broken) throw new Unanswerable('broken');
      return text.toUpperCase();
    },
    ...(options.mayReadAhead === undefined
      ? {}
      : { mayReadAhead: async (question) => options.mayReadAhead!(textOf(question)) }),
    answer: async (_, read) => {
      events.push(`begin ${read}`);
      // A turn of the event loop: all that is under way gets as far as it can.
      await new Promise((done) => setImmediate(done));
      events.push(`end ${read}`);
      return `${read}!`;
    },
  });
  return { runner, events };
}

/** Gives windows at once, as the pool does, and returns what the worker says when all are answered. */
async function said(runner: RowRunner<string>, windows: readonly string[][]): Promise<unknown[]> {
  const messages: unknown[] = [];
  const turns = new Turns(
    runner,
    (message) => messages.push(message),
    () => true,
  );
  await Promise.all(windows.map((rows, id) => turns.take({ type: 'run', id, questions: texts(rows) })));
  return messages;
}

test('the next row is decoded while the model works on one, within a window and between windows', async () => {
  for (const windows of [[['a', 'b', 'c']], [['a'], ['b'], ['c']]]) {
    const { runner, events } = recorded();
    await said(runner, windows);
    expect(events.filter((event) => !event.startsWith('read'))).toEqual([
      ...['begin A', 'end A', 'begin B', 'end B', 'begin C', 'end C'],
    ]);
    expect(events.indexOf('read b')).toBeLessThan(events.indexOf('end A'));
    expect(events.indexOf('read c')).toBeLessThan(events.indexOf('end B'));
  }
});

test('one row of a window is decoded ahead, and no more', async () => {
  const { runner, events } = recorded();
  await said(runner, [['a', 'b', 'c', 'd']]);
  expect(events.indexOf('read c')).toBeGreaterThan(events.indexOf('end A'));
  expect(events.indexOf('read d')).toBeGreaterThan(events.indexOf('end B'));
});

test('a row too large to wait beside another one is decoded when its turn has come', async () => {
  const { runner, events } = recorded({ mayReadAhead: (text) => text !== 'b' });
  expect(await said(runner, [['a', 'b']])).toContainEqual({
    type: 'answered',
    id: 0,
    runs: [{ answers: ['B!'], refused: [] }],
  });
  expect(events).toEqual(['read a', 'begin A', 'end A', 'read b', 'begin B', 'end B']);
});

test('a row that cannot be decoded is refused at its own turn', async () => {
  const { runner } = recorded({ broken: 'b' });
  expect(await said(runner, [['a'], ['b'], ['c']])).toEqual([
    { type: 'planned', id: 0, plan: [[0]], refused: [] },
    { type: 'answered', id: 0, runs: [{ answers: ['A!'], refused: [] }] },
    { type: 'planned', id: 1, plan: [[0]], refused: [] },
    { type: 'answered', id: 1, runs: [{ answers: [undefined], refused: [[0, 'broken']] }] },
    { type: 'planned', id: 2, plan: [[0]], refused: [] },
    { type: 'answered', id: 2, runs: [{ answers: ['C!'], refused: [] }] },
  ]);
});

test('windows are prepared one at a time, and one that cannot be does not end the one before', async () => {
  const events: string[] = [];
  const turns = new Turns(
    {
      prepare: async ([question]) => {
        const text = String(question!.inputs.text);
        events.push(`prepare ${text}`);
        await new Promise((done) => setImmediate(done));
        if (text === 'broken') throw new Error('out of memory');
        events.push(`prepared ${text}`);
        return {
          plan: [[0]],
          refused: [],
          run: async () => {
            await new Promise((done) => setImmediate(done));
            events.push(`answered ${text}`);
            return { answers: [text], refused: [] };
          },
        };
      },
    },
    () => undefined,
    () => true,
  );
  const given = (text: string) => turns.take({ type: 'run', id: 0, questions: texts([text]) });
  const [first, second, third] = [given('a'), given('b'), given('broken')];
  await expect(third).rejects.toThrow('out of memory');
  await Promise.all([first, second]);
  expect(events.slice(0, 4)).toEqual(['prepare a', 'prepared a', 'prepare b', 'answered a']);
  expect(events).toContain('answered b');
});

/** How many answers each message of a window of ten rows has, where each row takes so long and one may throw. */
async function told(options: { rowMs: number; plan?: number[][]; throws?: number }): Promise<unknown[]> {
  let now = 0;
  const runner: Runner = {
    prepare: async (questions, plan) => ({
      plan: plan ?? questions.map((_, row) => [row]),
      refused: [],
      run: async ([row]) => {
        now += options.rowMs;
        if (row === options.throws) throw new Error('no memory');
        return { answers: [row], refused: [] };
      },
    }),
  };
  const messages: unknown[] = [];
  const say = (message: FromWorker) => {
    if (message.type === 'answered') messages.push(message.runs.flatMap(({ answers }) => answers));
    else if (message.type === 'failed') messages.push(message.message);
  };
  const turns = new Turns(
    runner,
    say,
    () => true,
    () => now,
  );
  const questions = texts(Array.from({ length: 10 }, (_, i) => String(i)));
  const { plan } = options;
  await turns.take({ type: 'run', id: 0, questions, ...(plan === undefined ? {} : { plan }) });
  return messages;
}

test('answers of a small model are told together, the last ones of a window one by one', async () => {
  expect(await told({ rowMs: 20 })).toEqual([[0, 1, 2], [3, 4, 5], [6], [7], [8], [9]]);
  expect(await told({ rowMs: 1 })).toEqual([[0, 1, 2, 3, 4, 5, 6], [7], [8], [9]]);
  expect(await told({ rowMs: 60 })).toHaveLength(10);
});

test('answers of a window that a worker died of are told one by one', async () => {
  const plan = [[3], [4], [5], [6], [7], [8], [9]];
  expect(await told({ rowMs: 1, plan })).toEqual(plan);
});

test('answers that were held are told before a failure, which belongs to the run after them', async () => {
  expect(await told({ rowMs: 1, throws: 4 })).toEqual([[0, 1, 2, 3], 'no memory']);
});
