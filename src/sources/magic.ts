import { isUtf8 } from 'node:buffer';
import type { StoredBytes } from '../storage/storage.ts';
import type { SourceFormat } from './format.ts';

/** What the first bytes of a file say that it is. */
export type Kind =
  | 'parquet'
  | 'arrow file'
  | 'arrow stream'
  | 'gzip'
  | 'zstd'
  | 'utf-16le'
  | 'utf-16be'
  | 'text'
  | { other: string };

const HEAD_BYTES = 4096;

/** Signatures at the beginning of a file. `as`: the format that we read, or words for a message. */
const SIGNATURES: readonly { bytes: string; kind: Kind }[] = [
  { bytes: 'PAR1', kind: 'parquet' },
  { bytes: 'ARROW1', kind: 'arrow file' },
  { bytes: '\xff\xff\xff\xff', kind: 'arrow stream' },
  { bytes: '\x1f\x8b', kind: 'gzip' },
  { bytes: '\x28\xb5\x2f\xfd', kind: 'zstd' },
  { bytes: '\xff\xfe', kind: 'utf-16le' },
  { bytes: '\xfe\xff', kind: 'utf-16be' },
  { bytes: 'PARE', kind: { other: 'an encrypted Parquet file' } },
  { bytes: 'FEA1', kind: { other: 'a Feather file of version 1' } },
  { bytes: 'PK\x03\x04', kind: { other: 'a zip archive (or a spreadsheet)' } },
  { bytes: 'BZh', kind: { other: 'a bzip2-compressed file' } },
  { bytes: '\xfd7zXZ', kind: { other: 'an xz-compressed file' } },
  { bytes: 'ORC', kind: { other: 'an ORC file' } },
  { bytes: 'Obj\x01', kind: { other: 'an Avro file' } },
  { bytes: 'SQLite format 3\0', kind: { other: 'a SQLite database' } },
  { bytes: '\x89PNG', kind: { other: 'a PNG image' } },
  { bytes: '\xff\xd8\xff', kind: { other: 'a JPEG image' } },
  { bytes: '%PDF', kind: { other: 'a PDF document' } },
  { bytes: '\xd0\xcf\x11\xe0', kind: { other: 'an old Office document' } },
];

export function kindOf(file: StoredBytes): Kind {
  const head = headOf(file);
  const text = head.toString('latin1');
  const found = SIGNATURES.find(({ bytes }) => text.startsWith(bytes));
  // Two letters of a signature may also begin a text: ORC,… or BZh;…
  if (found && !(typeof found.kind === 'object' && isPlainText(head))) return found.kind;
  const zeros = head.reduce((count, byte) => count + (byte === 0 ? 1 : 0), 0);
  if (zeros * 3 > head.length) {
    return looksLikeUtf16(head)
      ? { other: 'UTF-16 text without a byte order mark' }
      : { other: 'binary data' };
  }
  return 'text';
}

/** What a file looks like, in words. */
export function describeKind(kind: Kind): string {
  if (typeof kind === 'object') return kind.other;
  const words: Record<typeof kind, string> = {
    parquet: 'a Parquet file',
    'arrow file': 'an Arrow file',
    'arrow stream': 'an Arrow stream',
    gzip: 'a gzip-compressed file',
    zstd: 'a zstd-compressed file',
    'utf-16le': 'UTF-16 text',
    'utf-16be': 'UTF-16 text',
    text: 'text',
  };
  return words[kind];
}

/** The format that a kind is read as, where it can only be one; for advice. */
export function formatOf(kind: Kind): SourceFormat | undefined {
  if (kind === 'parquet') return 'parquet';
  return kind === 'arrow file' || kind === 'arrow stream' ? 'arrow' : undefined;
}

/** Whether a file ends with these signs. */
export function endsWith(file: StoredBytes, text: string): boolean {
  const tail = Buffer.alloc(text.length);
  const count = file.read(tail, Math.max(0, file.size - text.length));
  return count === text.length && tail.toString('latin1') === text;
}

function headOf(file: StoredBytes): Buffer {
  const head = Buffer.alloc(Math.min(HEAD_BYTES, file.size));
  return head.subarray(0, file.read(head, 0));
}

function isPlainText(head: Buffer): boolean {
  return isUtf8(head) && !head.includes(0) && !head.some((byte) => byte < 7);
}

/** ASCII in UTF-16 has a zero in every second place. */
function looksLikeUtf16(head: Buffer): boolean {
  const zerosAt = [0, 0];
  head.forEach((byte, i) => {
    if (byte === 0) zerosAt[i % 2]!++;
  });
  return Math.min(...zerosAt) * 8 < Math.max(...zerosAt);
}
