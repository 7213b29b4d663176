import { type RecordBatch, RecordBatchReader, RecordBatchStreamWriter } from 'apache-arrow';
import { corruptArrow } from './data.ts';

/**
 * A batch as bytes that need nothing else to be read: an Arrow IPC stream of the schema, the dictionaries and the one
 * batch. It does not notice damage (9 of 10 flipped bits go unseen): whoever stores it adds a checksum.
 */
export function encodeBatch(batch: RecordBatch): Uint8Array {
  const writer = new RecordBatchStreamWriter();
  writer.write(batch);
  writer.finish();
  return writer.toUint8Array(true);
}

/**
 * The batch of `encodeBatch`, with views into `bytes`.
 * @throws {SluiceError} where the bytes hold no batch, or more than one
 */
export function decodeBatch(bytes: Uint8Array): RecordBatch {
  const batches = [...RecordBatchReader.from(aligned(bytes))];
  const [batch] = batches;
  if (!batch || batches.length > 1) throw corruptArrow(`${batches.length} batches where there should be one`);
  return batch;
}

/** Views of 8-byte values must begin at a multiple of 8. */
function aligned(bytes: Uint8Array): Uint8Array {
  return bytes.byteOffset % 8 === 0 ? bytes : bytes.slice();
}
