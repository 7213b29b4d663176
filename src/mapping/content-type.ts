/** Bytes at the start of a file, and what they tell. `undefined` in a signature stands for any byte. */
const signatures: readonly { type: string; bytes: readonly (number | undefined)[] }[] = [
  { type: 'image/png', bytes: [0x89, ...ascii('PNG\r\n'), 0x1a, 0x0a] },
  { type: 'image/jpeg', bytes: [0xff, 0xd8, 0xff] },
  { type: 'image/gif', bytes: ascii('GIF87a') },
  { type: 'image/gif', bytes: ascii('GIF89a') },
  { type: 'image/webp', bytes: riff('WEBP') },
  { type: 'image/tiff', bytes: [...ascii('II'), 42, 0] },
  { type: 'image/tiff', bytes: [...ascii('MM'), 0, 42] },
  // `BM`, the file's size, and two reserved words that are zero; two letters alone begin many a text.
  { type: 'image/bmp', bytes: [...ascii('BM'), ...any(4), 0, 0, 0, 0] },
  { type: 'image/avif', bytes: [...any(4), ...ascii('ftypavif')] },
  { type: 'image/heic', bytes: [...any(4), ...ascii('ftypheic')] },
  { type: 'audio/wav', bytes: riff('WAVE') },
  { type: 'audio/aiff', bytes: [...ascii('FORM'), ...any(4), ...ascii('AIF')] },
  { type: 'audio/amr', bytes: ascii('#!AMR') },
  // Windows Media: wma or wmv.
  { type: 'video/x-ms-asf', bytes: [0x30, 0x26, 0xb2, 0x75, 0x8e, 0x66, 0xcf, 0x11] },
  { type: 'audio/flac', bytes: ascii('fLaC') },
  { type: 'audio/ogg', bytes: ascii('OggS') },
  { type: 'audio/mpeg', bytes: ascii('ID3') },
  { type: 'audio/mp4', bytes: [...any(4), ...ascii('ftypM4A')] },
  { type: 'video/mp4', bytes: [...any(4), ...ascii('ftyp')] },
  { type: 'video/webm', bytes: [0x1a, 0x45, 0xdf, 0xa3] },
];

/** MIME type of an image, a sound or a film, told by its first bytes; undefined where they tell nothing. */
export function contentTypeOf(bytes: Uint8Array): string | undefined {
  const found = signatures.find((signature) =>
    signature.bytes.every((byte, i) => (byte === undefined ? i < bytes.length : byte === bytes[i])),
  );
  return found?.type ?? frameType(bytes);
}

/**
 * MPEG audio without a container begins with a frame: eleven set bits, version, layer, bit rate, sampling rate
 * (ISO/IEC 11172-3, 2.4.2.3). AAC in ADTS has twelve set bits and layer 0 (ISO/IEC 13818-7, 6.2).
 */
function frameType(bytes: Uint8Array): string | undefined {
  const [first = 0, second = 0, third = 0] = bytes;
  if (first !== 0xff || (second & 0xe0) !== 0xe0) return undefined;
  if ((second & 0xf6) === 0xf0) return 'audio/aac';
  const layer = (second >> 1) & 3;
  const isFrame = (layer === 1 || layer === 2) && third >> 4 !== 15 && ((third >> 2) & 3) !== 3;
  return isFrame ? 'audio/mpeg' : undefined;
}

function ascii(text: string): number[] {
  return Array.from(text, (character) => character.charCodeAt(0));
}

function any(count: number): undefined[] {
  return Array.from({ length: count }, () => undefined);
}

function riff(form: string): (number | undefined)[] {
  return [...ascii('RIFF'), ...any(4), ...ascii(form)];
}
