import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { contracts } from '../../../src/backends/api/contracts.ts';
import type { Question } from '../../../src/backends/backend.ts';
import { findTask } from '../../../src/tasks/index.ts';
import { isObject } from '../../../src/tasks/shapes.ts';
import { DecodeError } from '../../../src/tasks/task.ts';
import type { InputValue, Parameters, ResultRow, Task } from '../../../src/tasks/task.ts';

/**
 * The folder is the list of tests: `<contract>/<task>/<case>.request.json` (questions and what is sent for them),
 * `.response.json` (what the server says) and `.rows.json` (result rows, or the failure).
 */
const root = join(import.meta.dirname, '../../../fixtures/contracts');

interface Request {
  model?: string;
  base: string;
  /** What the server said about itself before. */
  about?: unknown;
  questions: { inputs: Record<string, InputValue | { base64: string }>; parameters: Parameters }[];
  options: { waitForModel?: boolean; useCache?: boolean };
  sent: { url: string; contentType: string; headers: Record<string, string>; body: unknown };
}
type Response = { status: number; body: unknown } | { status: number; text: string };
type Rows = unknown[] | { failure: Record<string, unknown> };

const folders = Object.values(contracts).flatMap((contract) =>
  readdirSync(join(root, contract.name)).map((name) => ({ contract, name })),
);

test('every contract has cases for each task that it names', () => {
  for (const { name, tasks = {} } of Object.values(contracts))
    expect(readdirSync(join(root, name))).toEqual(expect.arrayContaining(Object.keys(tasks)));
});

for (const { contract: plain, name } of folders) {
  const folder = join(root, plain.name, name);
  const task = findTask(name)!;
  const cases = readdirSync(folder).flatMap((file) => /^(.+)\.request\.json$/.exec(file)?.[1] ?? []);

  describe.each(cases)(`${plain.name} ${name} %s`, (title) => {
    const read = (part: string) => JSON.parse(readFileSync(join(folder, `${title}.${part}.json`), 'utf8'));
    const request: Request = read('request');
    const questions = request.questions.map(questionOf);
    const { model, base, about } = request;
    const contract = about === undefined ? plain : plain.about!.informed(about);

    test('is sent as recorded', () => {
      const named = model === undefined ? {} : { model };
      const options = { waitForModel: false, useCache: true, ...named, ...request.options };
      const { body, contentType, headers } = contract.encode(task, questions, options);
      expect({
        url: contract.urlFor(task, model, base).href,
        contentType,
        headers: Object.fromEntries(pairs(headers)),
        body: typeof body === 'string' ? JSON.parse(body) : { base64: Buffer.from(body).toString('base64') },
      }).toEqual(request.sent);
    });

    test('is answered with the recorded rows', () => {
      const response: Response = read('response');
      const text = 'text' in response ? response.text : JSON.stringify(response.body);
      const rows: Rows = read('rows');
      if (response.status > 299) {
        expect({ failure: contract.classify(response.status, {}, text) }).toMatchObject(rows);
        return;
      }
      const decoded = contract.decode(Buffer.from(text), questions, task);
      if (!Array.isArray(rows)) {
        expect(decoded).toMatchObject(rows);
      } else {
        expect(decoded).toHaveProperty('answers');
        const { answers } = decoded as { answers: unknown[] };
        expect(answers.map((answer, i) => rowOf(task, answer, questions[i]!))).toEqual(rows.map(asWritten));
      }
    });
  });
}

function questionOf({ inputs, parameters }: Request['questions'][number]): Question {
  const decoded = Object.entries(inputs).map(([name, value]) => [
    name,
    isObject(value) && typeof value.base64 === 'string'
      ? { ...value, base64: undefined, bytes: Buffer.from(value.base64, 'base64') }
      : value,
  ]);
  return { inputs: Object.fromEntries(decoded), parameters };
}

function rowOf(task: Task, answer: unknown, { parameters }: Question): ResultRow {
  try {
    return task.decode(answer, parameters);
  } catch (error) {
    if (error instanceof DecodeError) return { DecodeError: error.message };
    throw error;
  }
}

/** Vectors hold 32-bit floats, masks are bytes; a refusal is told by a word of its message. */
function asWritten(row: unknown): unknown {
  const { embedding, embeddings, segments, DecodeError: word } = row as Record<string, unknown>;
  if (typeof word === 'string') return { DecodeError: expect.stringContaining(word) };
  if (embedding !== undefined) return { embedding: Float32Array.from(embedding as number[]) };
  if (embeddings !== undefined)
    return { embeddings: (embeddings as number[][]).map((v) => Float32Array.from(v)) };
  if (segments !== undefined) return { segments: (segments as MaskWritten[]).map(segmentOf) };
  return row;
}

interface MaskWritten {
  mask: { base64: string };
}

function segmentOf({ mask, ...segment }: MaskWritten): unknown {
  return { ...segment, mask: Buffer.from(mask.base64, 'base64') };
}

function pairs(list: readonly string[]): [string, string][] {
  return list.flatMap((name, i) => (i % 2 === 0 ? [[name, list[i + 1]!]] : []));
}
