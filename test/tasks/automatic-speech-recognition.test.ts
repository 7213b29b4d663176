import { describe, expect, test } from 'vitest';
import { automaticSpeechRecognition as task } from '../../src/tasks/automatic-speech-recognition.ts';
import { DecodeError } from '../../src/tasks/task.ts';

const spoken = { text: 'so it was', chunks: null };

describe('automatic-speech-recognition decodes', () => {
  test.each<[string, unknown, unknown]>([
    ['an object', { text: 'so it was' }, spoken],
    ['a list of one object', [{ text: 'so it was' }], spoken],
    ['silence', { text: '' }, { text: '', chunks: null }],
    ['chunks that are null', { text: 'so it was', chunks: null }, spoken],
    ['no chunks', { text: 'so it was', chunks: [] }, { text: 'so it was', chunks: [] }],
    [
      'chunks with timestamps',
      { text: 'so it', chunks: [{ text: 'so', timestamp: [0, 0.5] }] },
      { text: 'so it', chunks: [{ text: 'so', start: 0, end: 0.5 }] },
    ],
    [
      'a last chunk that the recording cuts off',
      { text: 'so', chunks: [{ text: 'so', timestamp: [1, null] }] },
      { text: 'so', chunks: [{ text: 'so', start: 1, end: null }] },
    ],
    [
      'chunks whose pair is named in the plural',
      { text: 'so', chunks: [{ text: 'so', timestamps: [1, 2] }] },
      { text: 'so', chunks: [{ text: 'so', start: 1, end: 2 }] },
    ],
    [
      'segments with start and end',
      { task: 'transcribe', text: 'so', segments: [{ id: 0, text: 'so', start: 1, end: 2 }] },
      { text: 'so', chunks: [{ text: 'so', start: 1, end: 2 }] },
    ],
    [
      'words',
      { text: 'so', words: [{ word: 'so', start: 1, end: 2 }] },
      { text: 'so', chunks: [{ text: 'so', start: 1, end: 2 }] },
    ],
  ])('%s', (_, answer, row) => {
    expect(task.decode(answer, {})).toEqual(row);
  });
});

describe('automatic-speech-recognition refuses', () => {
  const withChunk = (chunk: unknown) => ({ text: 'so', chunks: [chunk] });
  test.each([
    ['null', null],
    ['a bare string', 'so it was'],
    ['an empty list', []],
    ['two texts for one recording', [{ text: 'so' }, { text: 'it' }]],
    ['no text', { chunks: [] }],
    ['a text that is a number', { text: 7 }],
    ['chunks that are an object', { text: 'so', chunks: {} }],
    ['a chunk that is a string', withChunk('so')],
    ['a chunk without text', withChunk({ timestamp: [0, 1] })],
    ['a chunk without times', withChunk({ text: 'so' })],
    ['a timestamp of one number', withChunk({ text: 'so', timestamp: [0] })],
    ['a timestamp of strings', withChunk({ text: 'so', timestamp: ['0', '1'] })],
    ['predictions', [{ label: 'neu', score: 0.9 }]],
  ])('%s', (_, answer) => {
    expect(() => task.decode(answer, {})).toThrow(DecodeError);
  });
});

describe('automatic-speech-recognition emulates', () => {
  const audio = { bytes: Buffer.from('RIFF....WAVE and so on') };
  const emulated = (parameters: Record<string, unknown>) =>
    task.emulate({ audio }, parameters) as { text: string; chunks?: { text: string; timestamp: number[] }[] };

  test('the same words for the same bytes, others for others', () => {
    expect(emulated({})).toEqual(emulated({}));
    expect(emulated({}).text).toMatch(/^\w+( \w+){3,11}$/);
    expect(task.emulate({ audio: { bytes: Buffer.from('another') } }, {})).not.toEqual(emulated({}));
  });

  test('times only where they are asked for, without gaps', () => {
    expect(emulated({ return_timestamps: false })).not.toHaveProperty('chunks');
    const { text, chunks = [] } = emulated({ return_timestamps: 'word' });
    expect(chunks.map((chunk) => chunk.text).join(' ')).toBe(text);
    expect(chunks.slice(1).map(({ timestamp }) => timestamp[0])).toEqual(
      chunks.slice(0, -1).map(({ timestamp }) => timestamp[1]),
    );
    expect(emulated({ return_timestamps: true }).chunks).toHaveLength(1);
    expect(
      emulated({ return_timestamps: 'char' })
        .chunks?.map((chunk) => chunk.text)
        .join(''),
    ).toBe(text);
  });
});

test('automatic-speech-recognition checks the ranges of what the API takes', () => {
  const good = { return_timestamps: 'word', generation_parameters: { top_k: 5, early_stopping: 'never' } };
  expect(task.parameters.safeParse(good).success).toBe(true);
  for (const bad of [
    { return_timestamps: 'sentence' },
    { generation_parameters: { top_p: 2 } },
    { generation_parameters: { max_new_tokens: 0 } },
    { generation_parameters: { no_such: 1 } },
  ]) {
    expect(task.parameters.safeParse(bad).success).toBe(false);
  }
});
