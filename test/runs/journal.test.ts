import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { frame, JournalFile, parseJournal, readFrame } from '../../src/runs/journal.ts';
import { temporaryFolder } from '../temporary.ts';

const magic = Buffer.from('SLUICEJ1');
const payloads = ['one', 'two, longer', '3'].map((text) => Buffer.from(text));
const whole = Buffer.concat([magic, ...payloads.map(frame)]);
const texts = (bytes: Uint8Array) =>
  parseJournal(bytes).frames.map(({ payload }) => Buffer.from(payload).toString());

describe('parseJournal', () => {
  test('every frame of a sound journal is found', () => {
    expect(texts(whole)).toEqual(['one', 'two, longer', '3']);
    expect(parseJournal(whole)).toMatchObject({ soundBytes: whole.length, tornBytes: 0, damagedFrames: 0 });
  });

  test('cut at any byte, a journal keeps exactly its whole frames', () => {
    const ends: number[] = [];
    let end = magic.length;
    for (const payload of payloads) {
      end += frame(payload).length;
      ends.push(end);
    }
    for (let cut = 0; cut <= whole.length; cut++) {
      const kept = ends.filter((at) => at <= cut).length;
      expect(texts(whole.subarray(0, cut))).toEqual(['one', 'two, longer', '3'].slice(0, kept));
    }
  });

  test('a flipped bit costs the frame it is in, at most what follows, and never makes up a frame', () => {
    for (let bit = magic.length * 8; bit < whole.length * 8; bit++) {
      const bytes = Buffer.from(whole);
      bytes[bit >> 3]! ^= 1 << (bit & 7);
      const found = texts(bytes);
      expect(['one', 'two, longer', '3']).toEqual(expect.arrayContaining(found));
      expect(found.length).toBeLessThan(3);
    }
  });

  test('a damaged frame between sound ones is skipped: the answers behind it were paid for', () => {
    const bytes = Buffer.from(whole);
    bytes[magic.length + 8]! ^= 1;
    expect(texts(bytes)).toEqual(['two, longer', '3']);
    expect(parseJournal(bytes)).toMatchObject({ damagedFrames: 1, tornBytes: 0 });
  });

  test('zeros behind the last frame, as a power cut leaves them, are a torn tail and no frames', () => {
    for (const zeros of [1, 8, 100]) {
      const bytes = Buffer.concat([whole, Buffer.alloc(zeros)]);
      expect(texts(bytes)).toEqual(['one', 'two, longer', '3']);
      expect(parseJournal(bytes)).toMatchObject({ soundBytes: whole.length, tornBytes: zeros });
    }
  });

  test('bytes that are no journal hold no frames', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const { frames, soundBytes } = parseJournal(bytes);
        expect(frames).toEqual([]);
        expect(soundBytes).toBe(0);
      }),
    );
  });
});

describe('JournalFile', () => {
  test('what was appended is there when the file is opened again, and can be read frame by frame', async () => {
    const path = join(temporaryFolder(), 'a.journal');
    const { file } = await JournalFile.open(path);
    const places = [];
    for (const payload of payloads) places.push(await file.append(payload));
    await file.close();
    expect(readFileSync(path)).toEqual(whole);
    const again = await JournalFile.open(path);
    expect(again.content.frames.map(({ payload }) => Buffer.from(payload).toString())).toEqual([
      'one',
      'two, longer',
      '3',
    ]);
    await again.file.close();
    for (const [i, { offset, length }] of places.entries()) {
      expect(Buffer.from(readFrame(path, offset, length))).toEqual(payloads[i]);
    }
  });

  test('a torn tail is cut off before anything is appended behind it', async () => {
    const path = join(temporaryFolder(), 'a.journal');
    writeFileSync(path, whole.subarray(0, whole.length - 3));
    const { file, content } = await JournalFile.open(path);
    expect(content.tornBytes).toBe(6);
    await file.append(Buffer.from('three'));
    await file.close();
    expect(texts(readFileSync(path))).toEqual(['one', 'two, longer', 'three']);
  });

  test('a frame that was damaged since is refused when it is read', async () => {
    const path = join(temporaryFolder(), 'a.journal');
    const { file } = await JournalFile.open(path);
    const { offset, length } = await file.append(Buffer.from('paid'));
    await file.close();
    const bytes = readFileSync(path);
    bytes[offset]! ^= 1;
    writeFileSync(path, bytes);
    expect(() => readFrame(path, offset, length)).toThrow(/damaged/);
  });
});
