import { Message, type Schema } from 'apache-arrow';
import { Footer } from 'apache-arrow/ipc/metadata/file';
import { checkFlatbuffer, fieldAt, rootField, type Table, targetAt } from './flatbuffer.ts';

/** The tables of Arrow's metadata, from its format/{Message,Schema,File}.fbs. */

const KEY_VALUE: Table = ['string', 'string'];
const INT: Table = [4, 1];

/** Members of the union Type, by number. Those with more than scalars need their own; the others have none or few. */
const TYPES: Record<number, Table> = {
  2: INT,
  3: [2],
  7: [4, 4, 4],
  8: [2],
  9: [2, 4],
  10: [2, 'string'],
  11: [2],
  14: [2, { items: 4 }],
  15: [4],
  16: [4],
  17: [1],
  18: [2],
};

const DICTIONARY_ENCODING: Table = [8, { table: () => INT }, 1, 2];

const FIELD: Table = [
  'string',
  1,
  1,
  { union: (type) => TYPES[type] ?? [] },
  { table: () => DICTIONARY_ENCODING },
  { tables: () => FIELD },
  { tables: () => KEY_VALUE },
];

const SCHEMA: Table = [2, { tables: () => FIELD }, { tables: () => KEY_VALUE }, { items: 8 }];

const RECORD_BATCH: Table = [8, { items: 16 }, { items: 16 }, { table: () => [1, 1] }, { items: 8 }];

const DICTIONARY_BATCH: Table = [8, { table: () => RECORD_BATCH }, 1];

const HEADERS: Record<number, Table> = { 1: SCHEMA, 2: DICTIONARY_BATCH, 3: RECORD_BATCH };

const MESSAGE: Table = [2, 1, { union: (type) => HEADERS[type] }, 8, { tables: () => KEY_VALUE }];

const BLOCK_BYTES = 24;

const FOOTER: Table = [
  2,
  { table: () => SCHEMA },
  { items: BLOCK_BYTES },
  { items: BLOCK_BYTES },
  { tables: () => KEY_VALUE },
];

const FOOTER_SCHEMA = 1;
const FOOTER_DICTIONARIES = 2;
const FOOTER_RECORD_BATCHES = 3;
const MESSAGE_HEADER = 2;
const SCHEMA_ENDIANNESS = 0;

/**
 * The message in these bytes.
 * @throws {RangeError} when they are not a sound one
 */
export function decodeMessage(bytes: Uint8Array): Message {
  checkFlatbuffer(bytes, MESSAGE);
  return Message.decode(bytes);
}

/** Whether the values after this schema message have their high bytes first. */
export function isBigEndian(schemaMessage: Uint8Array): boolean {
  return isBigEndianAt(schemaMessage, rootField(schemaMessage, MESSAGE_HEADER));
}

function isBigEndianAt(bytes: Uint8Array, schema: number | undefined): boolean {
  if (schema === undefined) return false;
  const endianness = fieldAt(bytes, targetAt(bytes, schema), SCHEMA_ENDIANNESS);
  return endianness !== undefined && viewOf(bytes).getInt16(endianness, true) === 1;
}

/** The footer of an Arrow file: what it says of the whole, and where in the file each message begins. */
export interface FileFooter {
  schema: Schema;
  version: number;
  isBigEndian: boolean;
  dictionaries: number[];
  recordBatches: number[];
}

/** @throws {RangeError} when it is not a sound footer */
export function decodeFooter(bytes: Uint8Array): FileFooter {
  checkFlatbuffer(bytes, FOOTER);
  const { schema, version } = Footer.decode(bytes);
  return {
    schema,
    version,
    isBigEndian: isBigEndianAt(bytes, rootField(bytes, FOOTER_SCHEMA)),
    dictionaries: blockOffsets(bytes, FOOTER_DICTIONARIES),
    recordBatches: blockOffsets(bytes, FOOTER_RECORD_BATCHES),
  };
}

function blockOffsets(bytes: Uint8Array, slot: number): number[] {
  const field = rootField(bytes, slot);
  if (field === undefined) return [];
  const view = viewOf(bytes);
  const vector = targetAt(bytes, field);
  const count = view.getUint32(vector, true);
  return Array.from({ length: count }, (_, i) => {
    const offset = view.getBigInt64(vector + 4 + i * BLOCK_BYTES, true);
    if (offset < 0n || offset > BigInt(Number.MAX_SAFE_INTEGER)) {
      throw new RangeError(`a block at byte ${offset}`);
    }
    return Number(offset);
  });
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
