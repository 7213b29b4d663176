import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { contentTypeOf } from '../../src/mapping/content-type.ts';

const bytes = (...parts: (string | number)[]) =>
  Buffer.concat(
    parts.map((part) => (typeof part === 'number' ? Buffer.from([part]) : Buffer.from(part, 'latin1'))),
  );

describe('the type of bytes', () => {
  test.each([
    ['image/png', bytes(0x89, 'PNG\r\n', 0x1a, '\n', 'rest')],
    ['image/jpeg', bytes(0xff, 0xd8, 0xff, 0xe0)],
    ['image/gif', bytes('GIF89a')],
    ['image/gif', bytes('GIF87a')],
    ['image/webp', bytes('RIFF', 1, 2, 3, 4, 'WEBPVP8 ')],
    ['image/tiff', bytes('II*', 0)],
    ['image/tiff', bytes('MM', 0, '*')],
    ['image/bmp', bytes('BM', 70, 0, 0, 0, 0, 0, 0, 0, 54)],
    ['audio/wav', bytes('RIFF', 1, 2, 3, 4, 'WAVEfmt ')],
    ['audio/flac', bytes('fLaC')],
    ['audio/ogg', bytes('OggS')],
    ['audio/mpeg', bytes('ID3', 4)],
    ['audio/mpeg', bytes(0xff, 0xfb, 0x90, 0x64)],
    ['audio/aiff', bytes('FORM', 0, 0, 1, 0, 'AIFC')],
    ['audio/aac', bytes(0xff, 0xf1, 0x50, 0x80)],
    ['audio/mp4', bytes(0, 0, 0, 0x20, 'ftypM4A ')],
    ['video/mp4', bytes(0, 0, 0, 0x20, 'ftypisom')],
    ['video/webm', bytes(0x1a, 0x45, 0xdf, 0xa3)],
  ])('%s', (type, start) => {
    expect(contentTypeOf(start)).toBe(type);
  });

  test.each([
    ['nothing', bytes()],
    ['text', bytes('hello, world')],
    ['a text that begins like a bitmap', bytes('BMW builds cars')],
    ['UTF-16 with a byte order mark, which begins like an MPEG frame', bytes(0xff, 0xfe, 'h', 0)],
    ['RIFF of another form', bytes('RIFF', 1, 2, 3, 4, 'AVI ')],
    ['a signature that is cut off', bytes(0x89, 'PN')],
    ['an MPEG frame with an impossible bit rate', bytes(0xff, 0xfb, 0xff, 0)],
  ])('%s tells nothing', (_, start) => {
    expect(contentTypeOf(start)).toBeUndefined();
  });
});

const shared = join(process.env.SLUICE_SHARED ?? '../shared', 'data');
describe.skipIf(!existsSync(shared))('files of the shared data', () => {
  const named = (kind: string) =>
    existsSync(shared)
      ? readdirSync(join(shared, kind), { recursive: true, encoding: 'utf8' })
          .filter((name) => /\.\w+$/.test(name) && !/NOTICE|\.(?:csv|md|txt)$/.test(name))
          .map((name) => [kind, name] as const)
      : [];
  /** Files of the audio folders that are none: no header, no bytes, a picture. */
  const impostors = /malformed\.flac|invalid_file\.flac|empty_file\.m4a|ilbm\.aiff/;

  test.each([...named('images'), ...named('audio')])('%s/%s', (kind, name) => {
    const type = contentTypeOf(readFileSync(join(shared, kind, name)));
    if (impostors.test(name)) expect(type).toBeUndefined();
    else expect(type?.replace('video/', 'audio/')).toMatch(kind === 'images' ? /^image\// : /^audio\//);
  });
});
